package azure

import (
	"context"
	"errors"
	"io"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// properties describes the blob of an object; errs.NotFound when there is none.
func (s *Storage) properties(ctx context.Context, key string) (blob.GetPropertiesResponse, error) {
	if err := s.checkKey(key); err != nil {
		return blob.GetPropertiesResponse{}, err
	}
	p, err := s.blob(key).GetProperties(ctx, nil)
	switch {
	case missing(err), err == nil && dropped(p.Metadata):
		return p, errs.New(errs.NotFound, "no such object")
	case err != nil:
		return p, err
	case p.ContentLength == nil || p.LastModified == nil || p.ETag == nil:
		return p, errs.New(errs.Permanent, "the service does not tell size and time of the blob")
	}
	return p, nil
}

// Stat describes one object.
func (s *Storage) Stat(ctx context.Context, key string) (storage.Object, error) {
	p, err := s.properties(ctx, key)
	if err != nil {
		return storage.Object{}, s.fail(ctx, err, "stat %q", key)
	}
	o := storage.Object{Key: key, Size: *p.ContentLength, Modified: *p.LastModified}
	o.Hold.Legal = isTrue(p.LegalHold)
	if p.ImmutabilityPolicyExpiresOn != nil {
		o.Hold.Until = *p.ImmutabilityPolicyExpiresOn
	}
	return o, nil
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
		p, err := s.properties(ctx, key)
		if err != nil {
			return err
		}
		return cloud.CheckNothing(offset, *p.ContentLength)
	}
	answer, err := s.blob(key).DownloadStream(ctx, &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: offset, Count: length}})
	if missing(err) {
		return errs.New(errs.NotFound, "no such object")
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if dropped(answer.Metadata) {
		return errs.New(errs.NotFound, "no such object")
	}
	got := int64(-1)
	if answer.ContentLength != nil {
		got = *answer.ContentLength
	}
	return cloud.CopyRange(w, answer.Body, offset, length, got)
}

// Delete removes one object.
func (s *Storage) Delete(ctx context.Context, key string) error {
	return s.fail(ctx, s.remove(ctx, key), "delete %q", key)
}

func (s *Storage) remove(ctx context.Context, key string) error {
	if err := s.checkKey(key); err != nil {
		return err
	}
	_, err := s.blob(key).Delete(ctx, nil)
	if missing(err) {
		return nil
	}
	return err
}
