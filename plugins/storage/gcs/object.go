package gcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	api "google.golang.org/api/storage/v1"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// object describes an object by its key; errs.NotFound when there is none.
func (s *Storage) object(ctx context.Context, key string) (*api.Object, error) {
	if err := s.checkKey(key); err != nil {
		return nil, err
	}
	o, err := s.get(ctx, s.cfg.Prefix+key)
	if missing(err) {
		return nil, errs.New(errs.NotFound, "no such object")
	}
	return o, err
}

// Stat describes one object.
func (s *Storage) Stat(ctx context.Context, key string) (storage.Object, error) {
	o, err := s.object(ctx, key)
	if err != nil {
		return storage.Object{}, s.fail(ctx, err, "stat %q", key)
	}
	return s.describe(o), nil
}

func (s *Storage) describe(o *api.Object) storage.Object {
	d := storage.Object{Key: strings.TrimPrefix(o.Name, s.cfg.Prefix), Size: int64(o.Size)}
	d.Modified = parseTime(o.TimeCreated)
	d.Hold.Legal = o.TemporaryHold || o.EventBasedHold
	d.Hold.Until = parseTime(o.RetentionExpirationTime)
	if o.Retention != nil {
		if until := parseTime(o.Retention.RetainUntilTime); until.After(d.Hold.Until) {
			d.Hold.Until = until
		}
	}
	return d
}

// parseTime reads a time of the service; zero when there is none.
func parseTime(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// List goes through the objects that the service lists, page by page. Objects whose names cannot be keys were made by others
// and are left out.
func (s *Storage) List(ctx context.Context, prefix string, yield func(storage.Object) error) error {
	var stopped error
	err := s.each(ctx, s.cfg.Prefix+prefix, func(o *api.Object) error {
		if s.checkKey(strings.TrimPrefix(o.Name, s.cfg.Prefix)) != nil {
			return nil
		}
		stopped = yield(s.describe(o))
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return s.fail(ctx, err, "list %q", prefix)
}

// ReadRange reads a part of an object, with one request.
func (s *Storage) ReadRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	return s.fail(ctx, s.read(ctx, key, offset, length, w), "read %d bytes from %d of %q", length, offset, key)
}

func (s *Storage) read(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	if err := errors.Join(s.checkKey(key), cloud.CheckRange(offset, length)); err != nil {
		return err
	}
	if length == 0 {
		o, err := s.object(ctx, key)
		if err != nil {
			return err
		}
		return cloud.CheckNothing(offset, int64(o.Size))
	}
	call := s.service.Objects.Get(s.cfg.Bucket, s.cfg.Prefix+key).Context(ctx)
	if s.cfg.UserProject != "" {
		call.UserProject(s.cfg.UserProject)
	}
	call.Header().Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	answer, err := call.Download()
	if missing(err) {
		return errs.New(errs.NotFound, "no such object")
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return cloud.CopyRange(w, answer.Body, offset, length, answer.ContentLength)
}

// Delete removes one object.
func (s *Storage) Delete(ctx context.Context, key string) error {
	err := s.checkKey(key)
	if err == nil {
		err = s.remove(ctx, s.cfg.Prefix+key)
	}
	return s.fail(ctx, err, "delete %q", key)
}
