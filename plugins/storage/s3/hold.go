package s3

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// notHeld refuses an object that is locked. The service would hide it behind a delete marker.
func (s *Storage) notHeld(ctx context.Context, full string) error {
	out, err := s.head(ctx, full)
	if err != nil {
		return err
	}
	switch h := holdOf(out); {
	case h.Legal:
		return errs.New(errs.Permission, "it is under a legal hold")
	case h.Active(time.Now()):
		return errs.New(errs.Permission, "it is locked until %s", h.Until.UTC().Format(time.RFC3339))
	}
	return nil
}

// Holds reports whether the job says that the bucket has Object Lock.
func (s *Storage) Holds() bool { return s.cfg.ObjectLock }

// Hold locks an object or sets or lifts its legal hold.
func (s *Storage) Hold(ctx context.Context, key string, h storage.Hold) error {
	full, err := s.checkKey(key)
	if err == nil {
		err = s.hold(ctx, full, h)
	}
	return s.fail(ctx, err, "hold %q", key)
}

func (s *Storage) hold(ctx context.Context, full string, want storage.Hold) error {
	out, err := s.head(ctx, full)
	if err != nil {
		return err
	}
	is := holdOf(out)
	if want.Until.Before(is.Until) && is.Until.After(time.Now()) {
		return errs.New(errs.Permission, "it is locked until %s, which cannot be cut short", is.Until.UTC().Format(time.RFC3339))
	}
	if want.Until.After(is.Until) {
		mode := types.ObjectLockRetentionMode(strings.ToUpper(s.cfg.LockMode))
		if out.ObjectLockMode != "" {
			mode = types.ObjectLockRetentionMode(out.ObjectLockMode) // never a weaker one
		}
		_, err := s.client.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: &s.cfg.Bucket, Key: &full,
			Retention: &types.ObjectLockRetention{Mode: mode, RetainUntilDate: aws.Time(want.Until)}})
		if err != nil {
			return s.classify(ctx, err)
		}
	}
	if want.Legal == is.Legal {
		return nil
	}
	status := types.ObjectLockLegalHoldStatusOff
	if want.Legal {
		status = types.ObjectLockLegalHoldStatusOn
	}
	_, err = s.client.PutObjectLegalHold(ctx, &s3.PutObjectLegalHoldInput{Bucket: &s.cfg.Bucket, Key: &full,
		LegalHold: &types.ObjectLockLegalHold{Status: status}})
	return s.classify(ctx, err)
}
