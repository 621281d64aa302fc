package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"

	"github.com/pkg/sftp"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// errShort says that a file ends before the range does.
var errShort = errs.New(errs.Corrupt, "the file ends too early")

// each calls f for length bytes of a file from offset, a block at a time. f may keep no part of it: two buffers take turns,
// so that the next block can be read while the last one is used.
func (w *work) each(from *sftp.File, offset, length int64, f func(b []byte) error) error {
	var buffers [2][]byte
	for i := 0; length > 0; i ^= 1 {
		if buffers[i] == nil {
			buffers[i] = make([]byte, min(block, length))
		}
		b := buffers[i][:min(length, block)]
		if err := w.step(); err != nil {
			return err
		}
		if n, err := from.ReadAt(b, offset); n < len(b) {
			if errors.Is(err, io.EOF) {
				return errShort
			}
			return err
		}
		w.rest()
		if err := f(b); err != nil {
			return err
		}
		offset, length = offset+int64(len(b)), length-int64(len(b))
	}
	return nil
}

// ReadRange writes a part of an object to to. Only this goroutine writes: the one that reads may be left behind.
func (s *Store) ReadRange(ctx context.Context, key string, offset, length int64, to io.Writer) error {
	if err := checkKey(key); err != nil {
		return s.fail(err, "read")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	blocks := make(chan []byte)
	done := s.start(ctx, func(w *work) error {
		return w.readRange(key, offset, length, func(b []byte) error {
			select {
			case blocks <- b:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	for {
		select {
		case b := <-blocks:
			if _, err := to.Write(b); err != nil {
				return s.fail(err, "read %q", key)
			}
		case err := <-done:
			return s.fail(err, "read %q", key)
		case <-ctx.Done():
			return s.fail(ctx.Err(), "read %q", key)
		}
	}
}

func (w *work) readRange(key string, offset, length int64, f func(b []byte) error) error {
	info, err := w.object(key)
	if err != nil {
		return err
	}
	if offset < 0 || length < 0 || length > info.Size()-offset {
		return errs.New(errs.Invalid, "%d bytes from %d: the object has %d", length, offset, info.Size())
	}
	file, err := w.Open(w.at(key))
	if err != nil {
		return err
	}
	return errors.Join(w.each(file, offset, length, f), file.Close())
}

// object describes the file of an object. Whatever is no regular file is no object: errs.NotFound.
func (w *work) object(key string) (fs.FileInfo, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if err := w.step(); err != nil {
		return nil, err
	}
	info, err := w.Lstat(w.at(key))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errs.New(errs.NotFound, "no such object")
	}
	return info, nil
}

// Stat describes an object.
func (s *Store) Stat(ctx context.Context, key string) (storage.Object, error) {
	result := make(chan storage.Object, 1)
	err := checkKey(key)
	if err == nil {
		err = s.do(ctx, func(w *work) error {
			info, err := w.object(key)
			if err == nil {
				result <- storage.Object{Key: key, Size: info.Size(), Modified: info.ModTime()}
			}
			return err
		})
	}
	if err != nil {
		return storage.Object{}, s.fail(err, "stat %q", key)
	}
	return <-result, nil
}

// Delete removes an object, and the directories above it that are empty then.
func (s *Store) Delete(ctx context.Context, key string) error {
	err := checkKey(key)
	if err == nil {
		err = s.do(ctx, func(w *work) error { return w.delete(key) })
	}
	return s.fail(err, "delete %q", key)
}

func (w *work) delete(key string) error {
	_, err := w.object(key)
	if err == nil {
		err = w.Remove(w.at(key))
	}
	if kindOf(err) == errs.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		if w.step() != nil || w.RemoveDirectory(w.at(dir)) != nil { // not empty
			break
		}
	}
	return nil
}
