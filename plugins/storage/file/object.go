package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// ReadRange writes a part of an object to w.
func (s *Storage) ReadRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	f, err := s.object(key, offset, length)
	if err == nil {
		defer f.Close()
		err = s.send(ctx, f, offset, length, w)
	}
	return s.fail(err, "read %q", key)
}

// send writes a part of a file to w.
func (s *Storage) send(ctx context.Context, f *os.File, offset, length int64, w io.Writer) error {
	if sender, ok := w.(storage.FileSender); ok {
		return sender.SendFile(f, offset, length)
	}
	return s.each(ctx, f, offset, length, func(b []byte) error {
		_, err := w.Write(b)
		return err
	})
}

// Digest returns the SHA-256 of length bytes of an object from offset, read from the disk: the pages that the system
// still has in memory are dropped first where it can be told to (Linux).
func (s *Storage) Digest(ctx context.Context, key string, offset, length int64) ([32]byte, error) {
	f, err := s.object(key, offset, length)
	if err != nil {
		return [32]byte{}, s.fail(err, "digest of %q", key)
	}
	defer f.Close()
	dropCache(f, offset, length)
	sum, err := s.digest(ctx, f, offset, length)
	return sum, s.fail(err, "digest of %q", key)
}

// object opens an object that has the given range.
func (s *Storage) object(key string, offset, length int64) (*os.File, error) {
	root, err := s.open()
	if err != nil {
		return nil, err
	}
	info, err := lstat(root, key)
	if err != nil {
		return nil, err
	}
	if offset < 0 || length < 0 || length > info.Size()-offset {
		return nil, errs.New(errs.Invalid, "%d bytes from %d: the object has %d", length, offset, info.Size())
	}
	return root.Open(key)
}

// lstat describes the file of an object. Whatever is no regular file is no object: errs.NotFound.
func lstat(root *os.Root, key string) (fs.FileInfo, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	info, err := root.Lstat(key)
	switch {
	case errors.Is(err, syscall.ENOTDIR) || (err == nil && !info.Mode().IsRegular()):
		return nil, errs.New(errs.NotFound, "no such object")
	case err != nil:
		return nil, err
	}
	return info, nil
}

// Stat describes an object.
func (s *Storage) Stat(ctx context.Context, key string) (storage.Object, error) {
	root, err := s.open()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return storage.Object{}, s.fail(err, "stat %q", key)
	}
	info, err := lstat(root, key)
	if err != nil {
		return storage.Object{}, s.fail(err, "stat %q", key)
	}
	return storage.Object{Key: key, Size: info.Size(), Modified: info.ModTime()}, nil
}

// Delete removes an object, and the directories above it that are empty then, up to path.
func (s *Storage) Delete(ctx context.Context, key string) error {
	return s.fail(s.remove(ctx, key), "delete %q", key)
}

func (s *Storage) remove(ctx context.Context, key string) error {
	root, err := s.open()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err = lstat(root, key)
	if err == nil {
		err = root.Remove(key)
	}
	if kindOf(err) == errs.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		if root.Remove(dir) != nil { // not empty
			return ignoreMissing(syncDir(root, dir))
		}
	}
	return syncDir(root, ".")
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
