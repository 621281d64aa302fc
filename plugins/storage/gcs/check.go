package gcs

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	api "google.golang.org/api/storage/v1"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// maxSkew is the difference of clocks from which access tokens of a service account are refused.
const maxSkew = 5 * time.Minute

// Check asks for every permission that a run needs, in ways that leave nothing behind: it lists, asks for an object that does
// not exist, deletes one that does not exist, and sends one whose checksum is wrong, which the service looks at only once it
// knows that we may write.
func (s *Storage) Check(ctx context.Context) (storage.Capacity, error) {
	c := storage.Capacity{Free: -1, Total: -1, Limits: storage.Limits{MaxChunk: maxObject, MaxObject: maxObject}}
	skew, err := s.mayList(ctx)
	if err != nil {
		return c, s.denied(ctx, err, "list", "storage.objects.list")
	}
	if abs := max(skew, -skew); abs > maxSkew {
		return c, s.fail(ctx, errs.New(errs.Invalid, "the clock of this host and the service's differ by %s; "+
			"access tokens need less than %s", abs.Round(time.Second), maxSkew), "check")
	} else if abs > time.Minute {
		c.Notes = append(c.Notes, fmt.Sprintf("the clock of this host and the service's differ by %s", abs.Round(time.Second)))
	}
	probe := s.staging() + "check-" + cloud.NewToken("check").Name()
	if _, err := s.get(ctx, probe); !missing(err) {
		return c, s.denied(ctx, err, "read", "storage.objects.get")
	}
	if err := s.mayWrite(ctx, probe); err != nil {
		return c, s.denied(ctx, err, "write", "storage.objects.create")
	}
	// Chunks are deleted once they are joined, so a bucket that cannot delete is not one to keep backups in.
	if err := s.remove(ctx, probe); err != nil {
		return c, s.denied(ctx, err, "delete", "storage.objects.delete")
	}
	notes, err := s.checkBucket(ctx)
	c.Notes = append(c.Notes, notes...)
	return c, s.fail(ctx, err, "check")
}

// denied names the permission that is missing.
func (s *Storage) denied(ctx context.Context, err error, what, permission string) error {
	wrong := unproved(err)
	err = s.fail(ctx, err, "check whether objects can be %s",
		map[string]string{"list": "listed", "read": "read", "write": "written", "delete": "deleted"}[what])
	if !errs.Is(err, errs.Permission) || wrong {
		return err
	}
	return errs.Wrap(errs.Permission, err, "permission %s is missing", permission)
}

// mayList lists one object and tells how far the service's clock is ahead of ours.
func (s *Storage) mayList(ctx context.Context) (time.Duration, error) {
	call := s.service.Objects.List(s.cfg.Bucket).Prefix(s.cfg.Prefix).MaxResults(1).Context(ctx)
	if s.cfg.UserProject != "" {
		call.UserProject(s.cfg.UserProject)
	}
	page, err := call.Do()
	if err != nil {
		return 0, err
	}
	at, err := http.ParseTime(page.Header.Get("Date"))
	if err != nil {
		return 0, nil //nolint:nilerr // a service that does not tell its time is not wrong
	}
	return at.Sub(s.now()), nil
}

// mayWrite sends an object whose checksum is wrong on purpose.
func (s *Storage) mayWrite(ctx context.Context, name string) error {
	o := &api.Object{Name: name, StorageClass: "STANDARD", Crc32c: encodeSum(1)}
	_, err := s.insert(ctx, o, strings.NewReader("check"), true)
	switch {
	case status(err) == http.StatusBadRequest:
		return nil
	case err == nil:
		return errs.New(errs.Permanent, "the service took an object with a wrong checksum: it does not compare them")
	}
	return err
}

// checkBucket looks at what the bucket does with chunks, as far as we may know it.
func (s *Storage) checkBucket(ctx context.Context) ([]string, error) {
	call := s.service.Buckets.Get(s.cfg.Bucket).Context(ctx)
	if s.cfg.UserProject != "" {
		call.UserProject(s.cfg.UserProject)
	}
	b, err := call.Do()
	if err != nil {
		if status(err) == http.StatusForbidden || status(err) == http.StatusNotFound {
			return nil, ctx.Err() // storage.buckets.get is no permission that a backup needs
		}
		return nil, err
	}
	if (b.RetentionPolicy != nil && b.RetentionPolicy.RetentionPeriod > 0) || b.DefaultEventBasedHold {
		return nil, errs.New(errs.Invalid, "the bucket keeps every object for a time or under a hold, also the chunks of an upload, "+
			"which could not be deleted; use object retention (retain_for) instead of a retention policy of the bucket")
	}
	var notes []string
	if p := b.SoftDeletePolicy; p != nil && p.RetentionDurationSeconds > 0 {
		notes = append(notes, fmt.Sprintf("the bucket keeps deleted objects for %s (soft delete), so the chunks of every backup are "+
			"paid for as long", time.Duration(p.RetentionDurationSeconds)*time.Second))
	}
	return notes, nil
}
