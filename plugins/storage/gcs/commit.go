package gcs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	api "google.golang.org/api/storage/v1"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// Commit joins the chunks to an object, unless there is one of the name.
func (s *Storage) Commit(ctx context.Context, token string, size int64) error {
	t, err := cloud.ParseToken(token)
	if err != nil {
		return s.fail(ctx, err, "commit")
	}
	err = s.uploads.End(t, func() error { return s.commit(ctx, token, size) })
	return s.fail(ctx, err, "commit %q", t.Key)
}

func (s *Storage) commit(ctx context.Context, token string, size int64) error {
	t, chunkSize, err := s.find(ctx, token)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	switch done, errDone := s.committed(ctx, t, size); {
	case done || errDone != nil:
		return errors.Join(errDone, s.clean(ctx, t, errDone))
	case err != nil:
		return err
	}
	chunks, err := s.arrived(ctx, t)
	if err != nil {
		return err
	}
	if err := cloud.Complete(infos(chunks), chunkSize, size); err != nil {
		return err
	}
	if err := s.join(ctx, t, chunks); err != nil {
		return err
	}
	done, err := s.committed(ctx, t, size)
	if err == nil && !done {
		return errs.New(errs.Transient, "the object is not there after its commit")
	}
	return errors.Join(err, s.clean(ctx, t, err))
}

// committed reports whether the object is there and came from this upload. One of somebody else is errs.Exists.
func (s *Storage) committed(ctx context.Context, t cloud.Token, size int64) (bool, error) {
	if t.Key == "" {
		return false, nil
	}
	o, err := s.get(ctx, s.cfg.Prefix+t.Key)
	switch {
	case missing(err):
		return false, nil
	case err != nil:
		return false, err
	case o.Metadata[uploadKey] != t.Name():
		return false, errs.New(errs.Exists, "%q exists", t.Key)
	case o.Size != uint64(size):
		return false, errs.New(errs.Invalid, "the upload was committed with another size: %q has %d bytes, not %d", t.Key, o.Size, size)
	}
	return true, s.retain(ctx, o)
}

// clean removes what the upload kept, its first object last: as long as that is there a Commit can be repeated. An object
// that is committed stays so when this fails, so only the end of ctx is an error; removeAbandoned comes again.
func (s *Storage) clean(ctx context.Context, t cloud.Token, failed error) error {
	if failed != nil {
		return nil
	}
	err := s.removeAll(ctx, s.dir(t)+"0")
	if err == nil {
		err = s.removeAll(ctx, s.dir(t)+"j")
	}
	if err == nil {
		_ = s.removeAll(ctx, s.dir(t))
	}
	return ctx.Err()
}

// join makes the object of the chunks, 32 at a time and level by level.
func (s *Storage) join(ctx context.Context, t cloud.Token, chunks []chunk) error {
	var parts []*api.Object
	for _, c := range chunks {
		parts = append(parts, c.object)
	}
	for level := 0; len(parts) > maxJoin; level++ {
		var err error
		if parts, err = s.joinLevel(ctx, t, level, parts); err != nil {
			return err
		}
	}
	target := &api.Object{Name: s.cfg.Prefix + t.Key, ContentType: "application/octet-stream", StorageClass: s.cfg.StorageClass,
		Metadata: map[string]string{uploadKey: t.Name()}}
	maps.Copy(target.Metadata, s.cfg.Metadata)
	var err error
	if len(parts) == 0 { // there is nothing to join
		_, err = s.insert(ctx, target, strings.NewReader(""), true)
	} else {
		_, err = s.compose(ctx, target, parts, true)
	}
	if status(err) == http.StatusPreconditionFailed {
		return nil // somebody was faster, perhaps an earlier try of ours: the object tells
	}
	return err
}

// joinLevel joins neighbours.
func (s *Storage) joinLevel(ctx context.Context, t cloud.Token, level int, parts []*api.Object) ([]*api.Object, error) {
	joined := make([]*api.Object, (len(parts)+maxJoin-1)/maxJoin)
	w := newWork(ctx)
	for i := range joined {
		some := parts[i*maxJoin : min(len(parts), (i+1)*maxJoin)]
		target := &api.Object{Name: fmt.Sprintf("%sj%d-%010d", s.dir(t), level, i), StorageClass: "STANDARD",
			ContentType: "application/octet-stream"}
		err := w.do(func() (err error) {
			joined[i], err = s.compose(w.ctx, target, some, false)
			return err
		})
		if err != nil {
			break
		}
	}
	return joined, w.wait()
}
