package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// probe is the key that Check works with. No object ever gets it.
const probe = ".drydock-check"

// Check tries everything that a run needs, in the order of a run: list, read, write, drop an upload. What a run can do
// without (delete, find abandoned uploads) becomes a note. It leaves nothing behind.
func (s *Storage) Check(ctx context.Context) (storage.Capacity, error) {
	c := storage.Capacity{Free: -1, Total: -1, Limits: storage.Limits{
		MinChunk: minPart, MaxChunk: maxPart, MaxChunks: maxParts, MaxObject: maxObject,
	}}
	note := func(text string) {
		if text != "" {
			c.Notes = append(c.Notes, text)
		}
	}
	out, err := s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &s.cfg.Bucket, Prefix: &s.cfg.Prefix, MaxKeys: aws.Int32(1),
	})
	if err != nil {
		return c, s.fail(ctx, s.classify(ctx, err), "check: list objects")
	}
	note(clockNote(out.ResultMetadata, time.Now()))
	if err := s.mayRead(ctx); err != nil {
		return c, s.fail(ctx, err, "check: read an object")
	}
	if err := s.mayWrite(ctx); err != nil {
		return c, s.fail(ctx, err, "check: write an object")
	}
	for _, try := range []func(context.Context) (string, error){s.mayLock, s.maySweep, s.mayDelete} {
		text, err := try(ctx)
		if err != nil {
			return c, s.fail(ctx, err, "check")
		}
		note(text)
	}
	return c, nil
}

// clockNote tells of clocks that differ, before they differ so much that the service refuses.
func clockNote(m middleware.Metadata, now time.Time) string {
	const worth = time.Minute
	there, ok := awsmiddleware.GetServerTime(m)
	if d := now.Sub(there).Round(time.Second); ok && d.Abs() > worth {
		return fmt.Sprintf("this host's clock differs from the service's by %s; at 15 minutes every request is refused", d.Abs())
	}
	return ""
}

// mayRead asks for an object that is not there: who may read learns just that.
func (s *Storage) mayRead(ctx context.Context) error {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.cfg.Bucket, Key: aws.String(s.cfg.Prefix + probe)})
	if err == nil {
		return out.Body.Close()
	}
	if err = s.classify(ctx, err); errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

// mayWrite takes an upload up to the point where it would become an object, and drops it.
func (s *Storage) mayWrite(ctx context.Context) (err error) {
	full, t := s.cfg.Prefix+probe, token{Key: probe, ID: newID()}
	if t.Upload, err = s.create(ctx, full, t.ID); err != nil {
		return err
	}
	data := []byte(t.ID)
	err = s.putPart(ctx, t, 0, bytes.NewReader(data), sha256.Sum256(data))
	if err == nil {
		_, err = s.parts(ctx, t)
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepLimit)
	defer cancel()
	dropped := s.abort(end, full, t.Upload)
	if err != nil {
		return err
	}
	return dropped
}

// mayLock makes sure that a bucket of which the job says so has Object Lock, and that we learn what is held: a service that does
// not let us know says that nothing is, and would hide what is held behind a delete marker.
func (s *Storage) mayLock(ctx context.Context) (note string, err error) {
	if !s.cfg.ObjectLock {
		return "", nil
	}
	_, err = s.client.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &s.cfg.Bucket})
	switch err = s.classify(ctx, err); {
	case errs.Is(err, errs.NotFound):
		return "", errs.Wrap(errs.Invalid, err, "the bucket has no Object Lock, but the job says object_lock = true")
	case errs.Is(err, errs.Permission):
		note = "whether the bucket has Object Lock is not known: " + err.Error()
	case err != nil:
		return "", err
	}
	key := aws.String(s.cfg.Prefix + probe)
	_, retention := s.client.GetObjectRetention(ctx, &s3.GetObjectRetentionInput{Bucket: &s.cfg.Bucket, Key: key})
	_, legal := s.client.GetObjectLegalHold(ctx, &s3.GetObjectLegalHoldInput{Bucket: &s.cfg.Bucket, Key: key})
	for _, err := range []error{retention, legal} { // that there is no such object is an answer
		if err = s.classify(ctx, err); errs.Is(err, errs.Permission) {
			return "", err
		}
	}
	return note, nil
}

// maySweep asks for unfinished uploads.
func (s *Storage) maySweep(ctx context.Context) (note string, err error) {
	if s.cfg.AbandonedAfter == 0 {
		return "", nil
	}
	_, err = s.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{
		Bucket: &s.cfg.Bucket, Prefix: &s.cfg.Prefix, MaxUploads: aws.Int32(1),
	})
	if err = s.classify(ctx, err); errs.Is(err, errs.Permission) || errs.Is(err, errs.Unsupported) {
		return "abandoned uploads are not found: " + err.Error(), nil
	}
	return "", err
}

// mayDelete deletes an object that is not there, on a condition that keeps a bucket with versions from noting that down.
// One that does so all the same gets its delete marker removed.
func (s *Storage) mayDelete(ctx context.Context) (note string, err error) {
	key := aws.String(s.cfg.Prefix + probe)
	out, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{
		Bucket: &s.cfg.Bucket, Key: key, IfMatch: aws.String(`"00000000000000000000000000000000"`),
	})
	if err == nil && aws.ToBool(out.DeleteMarker) && out.VersionId != nil {
		_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.cfg.Bucket, Key: key, VersionId: out.VersionId})
	}
	switch err = s.classify(ctx, err); {
	case errs.Is(err, errs.Permission):
		return "backups can be added here but not deleted: " + err.Error(), nil
	case errs.Is(err, errs.NotFound), errs.Is(err, errs.Exists):
		return "", nil
	}
	return "", err
}
