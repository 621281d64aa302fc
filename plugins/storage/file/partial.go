package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// Partial is an upload that is not committed, or what a committed one has left behind.
type Partial struct {
	Token     string
	ChunkSize int64 // bytes; 0 when nobody can tell any more
	Size      int64 // how far the data file reaches, in bytes; 0 for what a committed upload has left
	Touched   time.Time
}

// EachPartial calls yield for every upload in the staging directory, in no particular order, until yield returns an error.
func (s *Storage) EachPartial(ctx context.Context, yield func(Partial) error) error {
	const op = "look for unfinished uploads"
	root, err := s.open()
	if err != nil {
		return s.fail(err, op)
	}
	entries, err := fs.ReadDir(root.FS(), staging)
	if err != nil {
		return s.fail(ignoreMissing(err), op)
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return s.fail(err, op)
		}
		p, err := s.partial(root, e.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue // finished meanwhile
		}
		if err == nil {
			err = yield(p)
		}
		if err != nil {
			return s.fail(err, op)
		}
	}
	return nil
}

func (s *Storage) partial(root *os.Root, token string) (Partial, error) {
	info, err := root.Lstat(staging + "/" + token)
	if err != nil {
		return Partial{}, err
	}
	p := Partial{Token: token, Touched: info.ModTime()}
	for _, name := range []string{"upload.json", "chunks", "data"} {
		info, err := root.Lstat(uploadFile(token, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Partial{}, err
		}
		if info.ModTime().After(p.Touched) {
			p.Touched = info.ModTime()
		}
		if name == "data" {
			p.Size = info.Size()
		}
	}
	if _, m, err := s.meta(token); err == nil {
		p.ChunkSize = m.ChunkSize
	}
	return p, nil
}

// Expire drops an upload that nothing has happened to since a time, and reports whether it did. One that is in use stays.
func (s *Storage) Expire(ctx context.Context, token string, since time.Time) (bool, error) {
	if !isToken(token) {
		return false, nil
	}
	root, err := s.open()
	if err != nil {
		return false, s.fail(err, "expire upload %s", token)
	}
	u := s.upload(token)
	if !u.life.TryLock() {
		return false, nil
	}
	defer u.life.Unlock()
	p, err := s.partial(root, token)
	if err == nil {
		err = ctx.Err()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.forgetUpload(token)
		return false, nil
	case err != nil:
		return false, s.fail(err, "expire upload %s", token)
	case !p.Touched.Before(since):
		return false, nil
	}
	s.forgetUpload(token)
	return true, s.fail(removeUpload(root, staging+"/"+token), "expire upload %s", token)
}
