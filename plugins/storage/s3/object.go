package s3

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// head describes a key of the bucket.
func (s *Storage) head(ctx context.Context, full string) (*s3.HeadObjectOutput, error) {
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.cfg.Bucket, Key: &full})
	return out, s.classify(ctx, err)
}

// ReadRange writes a part of an object to w, with one ranged request. Callers read several ranges side by side.
func (s *Storage) ReadRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	return s.fail(ctx, s.readRange(ctx, key, offset, length, w), "read %q", key)
}

func (s *Storage) readRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	full, err := s.checkKey(key)
	if err != nil {
		return err
	}
	if err := cloud.CheckRange(offset, length); err != nil {
		return err
	}
	if length == 0 {
		return s.readNothing(ctx, full, offset)
	}
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &s.cfg.Bucket, Key: &full, Range: aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)),
	})
	if err != nil {
		return s.classify(ctx, err)
	}
	defer out.Body.Close()
	body := &reader{from: out.Body}
	err = cloud.CopyRange(w, body, offset, length, aws.ToInt64(out.ContentLength))
	if body.err != nil {
		return s.classify(ctx, body.err)
	}
	return err
}

// reader keeps an error of the service apart from one of the writer.
type reader struct {
	from io.Reader
	err  error
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

func (s *Storage) readNothing(ctx context.Context, full string, offset int64) error {
	out, err := s.head(ctx, full)
	if err != nil {
		return err
	}
	return cloud.CheckNothing(offset, aws.ToInt64(out.ContentLength))
}

// Stat describes an object, and what holds it.
func (s *Storage) Stat(ctx context.Context, key string) (storage.Object, error) {
	full, err := s.checkKey(key)
	if err != nil {
		return storage.Object{}, s.fail(ctx, err, "stat %q", key)
	}
	out, err := s.head(ctx, full)
	if err != nil {
		return storage.Object{}, s.fail(ctx, err, "stat %q", key)
	}
	return storage.Object{
		Key: key, Size: aws.ToInt64(out.ContentLength), Modified: aws.ToTime(out.LastModified).Truncate(time.Second), Hold: holdOf(out),
	}, nil
}

func holdOf(out *s3.HeadObjectOutput) storage.Hold {
	return storage.Hold{
		Until: aws.ToTime(out.ObjectLockRetainUntilDate), Legal: out.ObjectLockLegalHoldStatus == types.ObjectLockLegalHoldStatusOn,
	}
}

// List lists the keys of the bucket, page by page.
func (s *Storage) List(ctx context.Context, prefix string, yield func(storage.Object) error) error {
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{
		Bucket: &s.cfg.Bucket, Prefix: aws.String(s.cfg.Prefix + prefix),
	}, func(o *s3.ListObjectsV2PaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return s.fail(ctx, s.classify(ctx, err), "list %q", prefix)
		}
		for _, o := range page.Contents {
			key := strings.TrimPrefix(aws.ToString(o.Key), s.cfg.Prefix)
			if _, err := s.checkKey(key); err != nil {
				continue // somebody else's: drydock makes no such key
			}
			// Stat tells whole seconds.
			modified := aws.ToTime(o.LastModified).Truncate(time.Second)
			if err := yield(storage.Object{Key: key, Size: aws.ToInt64(o.Size), Modified: modified}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Delete removes an object. In a bucket with versions the version stays, behind a delete marker.
func (s *Storage) Delete(ctx context.Context, key string) error {
	full, err := s.checkKey(key)
	if err == nil && s.cfg.ObjectLock {
		err = s.notHeld(ctx, full)
	}
	if err == nil {
		_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.cfg.Bucket, Key: &full})
		err = s.classify(ctx, err)
	}
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return s.fail(ctx, err, "delete %q", key)
}
