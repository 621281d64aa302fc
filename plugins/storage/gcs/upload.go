package gcs

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	api "google.golang.org/api/storage/v1"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Begin opens an upload: it makes the object that says so.
func (s *Storage) Begin(ctx context.Context, up storage.Upload) (string, error) {
	token, err := s.begin(ctx, up)
	return token, s.fail(ctx, err, "begin %q", up.Key)
}

func (s *Storage) begin(ctx context.Context, up storage.Upload) (string, error) {
	if err := s.checkKey(up.Key); err != nil {
		return "", err
	}
	if up.ChunkSize < 1 || up.ChunkSize > maxObject {
		return "", errs.New(errs.Invalid, "chunk size %d: not 1 to %d, which is what an object can have",
			up.ChunkSize, int64(maxObject))
	}
	switch _, err := s.get(ctx, s.cfg.Prefix+up.Key); {
	case err == nil:
		return "", errs.New(errs.Exists, "the name is taken")
	case !missing(err):
		return "", err
	}
	s.sweep.Do(func() { s.removeAbandoned(ctx) })
	t := cloud.NewToken(up.Key)
	_, err := s.insert(ctx, &api.Object{
		Name: s.marker(t), StorageClass: "STANDARD", Metadata: map[string]string{sizeKey: strconv.FormatInt(up.ChunkSize, 10)},
	}, strings.NewReader(""), true)
	if err != nil {
		return "", err
	}
	return t.String(), nil
}

// find returns the token of an open upload taken apart, and its chunk size. Any other upload is errs.NotFound.
func (s *Storage) find(ctx context.Context, text string) (t cloud.Token, chunkSize int64, err error) {
	if t, err = cloud.ParseToken(text); err != nil {
		return t, 0, err
	}
	if err := s.checkKey(t.Key); err != nil {
		return t, 0, err
	}
	o, err := s.get(ctx, s.marker(t))
	if missing(err) {
		return t, 0, errs.New(errs.NotFound, "no such upload")
	}
	if err != nil {
		return t, 0, err
	}
	n, err := strconv.ParseInt(o.Metadata[sizeKey], 10, 64)
	if err != nil || n < 1 {
		return t, 0, errs.New(errs.Corrupt, "%s does not tell a chunk size", o.Name)
	}
	return t, n, nil
}

// Abort removes an upload. Of one that was committed it removes what is left, not the object.
func (s *Storage) Abort(ctx context.Context, token string) error {
	t, err := cloud.ParseToken(token)
	if err != nil || s.checkKey(t.Key) != nil {
		return nil
	}
	err = s.uploads.End(t, func() error {
		if err := s.remove(ctx, s.marker(t)); err != nil { // from here on there is no such upload
			return err
		}
		return s.removeAll(ctx, s.dir(t))
	})
	return s.fail(ctx, err, "abort the upload of %q", t.Key)
}

// removeAll deletes every object whose name starts with prefix.
func (s *Storage) removeAll(ctx context.Context, prefix string) error {
	w := newWork(ctx)
	err := s.each(w.ctx, prefix, func(o *api.Object) error {
		return w.do(func() error { return s.remove(w.ctx, o.Name) })
	})
	return errors.Join(w.wait(), err)
}

// removeAbandoned removes uploads that show no sign of life, and what a crash of Commit has left. It does its best: what it
// cannot remove stays for the next time.
func (s *Storage) removeAbandoned(ctx context.Context) {
	newest := map[string]time.Time{}
	err := s.each(ctx, s.staging(), func(o *api.Object) error {
		name, _, ok := strings.Cut(strings.TrimPrefix(o.Name, s.staging()), "/")
		at, err := time.Parse(time.RFC3339Nano, o.Updated)
		if ok && err == nil && at.After(newest[name]) {
			newest[name] = at
		}
		return nil
	})
	if err != nil {
		return
	}
	for name, at := range newest {
		if s.now().Sub(at) > s.cfg.AbandonedAfter {
			_ = s.removeAll(ctx, s.staging()+name+"/")
		}
	}
}
