package gcs

import (
	"context"
	"net/http"
	"time"

	api "google.golang.org/api/storage/v1"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Holds reports whether the configuration lets drydock hold objects.
func (s *Storage) Holds() bool { return s.cfg.Holds || s.cfg.RetainFor > 0 }

// Hold sets the temporary hold and the retention of an object.
func (s *Storage) Hold(ctx context.Context, key string, h storage.Hold) error {
	return s.fail(ctx, s.hold(ctx, key, h), "hold %q", key)
}

func (s *Storage) hold(ctx context.Context, key string, h storage.Hold) error {
	o, err := s.object(ctx, key)
	if err != nil {
		return err
	}
	now := s.describe(o).Hold
	if s.now().Before(now.Until) && h.Until.Before(now.Until) {
		return errs.New(errs.Permission, "it is held until %s", now.Until.Format("2006-01-02 15:04:05 MST"))
	}
	if h.Until.After(now.Until) {
		if err := s.retainUntil(ctx, o, h.Until); err != nil {
			return err
		}
	}
	if h.Legal == now.Legal {
		return nil
	}
	change := &api.Object{TemporaryHold: h.Legal, ForceSendFields: []string{"TemporaryHold"}}
	if !h.Legal && o.EventBasedHold {
		change.ForceSendFields = append(change.ForceSendFields, "EventBasedHold")
	}
	return s.patch(ctx, o, change)
}

// retain sets the retention that the configuration asks for, once.
func (s *Storage) retain(ctx context.Context, o *api.Object) error {
	if s.cfg.RetainFor == 0 || o.Retention != nil {
		return nil
	}
	return s.retainUntil(ctx, o, parseTime(o.TimeCreated).Add(s.cfg.RetainFor))
}

func (s *Storage) retainUntil(ctx context.Context, o *api.Object, until time.Time) error {
	mode := "Unlocked"
	if s.cfg.RetainMode == "locked" {
		mode = "Locked"
	}
	wanted := &api.ObjectRetention{Mode: mode, RetainUntilTime: until.UTC().Format(time.RFC3339Nano)}
	err := s.patch(ctx, o, &api.Object{Retention: wanted})
	if status(err) == http.StatusBadRequest {
		return errs.Wrap(errs.Unsupported, err, "set the retention (does the bucket have object retention?)")
	}
	return err
}

func (s *Storage) patch(ctx context.Context, o *api.Object, change *api.Object) error {
	call := s.service.Objects.Patch(s.cfg.Bucket, o.Name, change).Context(ctx)
	if s.cfg.UserProject != "" {
		call.UserProject(s.cfg.UserProject)
	}
	_, err := call.Do()
	return err
}
