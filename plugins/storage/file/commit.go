package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// Commit gives the data file its final name, without ever replacing another file.
func (s *Storage) Commit(ctx context.Context, token string, size int64) error {
	return s.fail(s.commit(ctx, token, size), "commit upload %s", token)
}

func (s *Storage) commit(ctx context.Context, token string, size int64) error {
	u := s.upload(token)
	u.life.Lock()
	defer u.life.Unlock()
	root, m, err := s.meta(token)
	if err != nil {
		return err
	}
	t, err := openTarget(root, token)
	if errs.Is(err, errs.NotFound) {
		return committed(root, m.Key, size)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(s.seal(ctx, u, t, m, size), t.close()); err != nil {
		return err
	}
	if err := s.publish(root, uploadFile(token, "data"), m.Key); err != nil {
		return err
	}
	// From here on the object is there, whatever happens.
	s.forgetUpload(token)
	_ = root.Remove(uploadFile(token, "data"))
	_ = root.Remove(uploadFile(token, "chunks"))
	return nil
}

// committed answers a second Commit: is the object that the first one made still there?
func committed(root *os.Root, key string, size int64) error {
	info, err := root.Lstat(key)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() != size {
		return errs.New(errs.Invalid, "the upload was committed with another size: %q has %d bytes, not %d", key, info.Size(), size)
	}
	return nil
}

// seal makes sure that all chunks are there and right, and flushes the file as it is to be seen.
func (s *Storage) seal(ctx context.Context, u *upload, t target, m meta, size int64) error {
	if err := complete(ctx, t.chunks, m.ChunkSize, size); err != nil {
		return err
	}
	if err := s.proveAll(ctx, u, t, m); err != nil {
		return err
	}
	info, err := t.data.Stat()
	if err != nil {
		return err
	}
	if info.Size() < size {
		return errs.New(errs.Corrupt, "the data file has %d bytes, not %d", info.Size(), size)
	}
	if err := t.data.Truncate(size); err != nil { // a refused chunk may have made it longer
		return err
	}
	if err := t.data.Chmod(s.mode); err != nil && !unsupported(err) {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return t.data.Sync()
}

// publish links data to its key. A concurrent Delete may remove the key's directory because it is empty; then it is made
// again.
func (s *Storage) publish(root *os.Root, data, key string) error {
	for attempt := 0; ; attempt++ {
		err := s.makeDirs(root, path.Dir(key))
		if err == nil {
			err = link(root, data, key)
		}
		switch {
		case err == nil:
			return syncDir(root, path.Dir(key))
		case errors.Is(err, fs.ErrExist):
			return taken(root, data, key)
		case attempt == 10 || !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
}

// link gives data the name key, by a hard link or, where the file system has none, by a rename that replaces nothing.
func link(root *os.Root, data, key string) error {
	err := root.Link(data, key)
	if err == nil || !unsupported(err) {
		return err
	}
	return rename(root, data, key)
}

// unsupported reports whether the file system lacks an operation: hard links or modes on exFAT and some shares.
func unsupported(err error) bool {
	return isAny(err, syscall.EPERM, syscall.ENOSYS, syscall.EOPNOTSUPP, syscall.ENOTSUP, syscall.EMLINK, errors.ErrUnsupported)
}

// taken tells a name that this very upload got before a crash from a name that is someone else's.
func taken(root *os.Root, data, key string) error {
	mine, err := root.Lstat(data)
	if err != nil {
		return err
	}
	there, err := root.Lstat(key)
	if err != nil {
		return err
	}
	if os.SameFile(mine, there) {
		return syncDir(root, path.Dir(key))
	}
	return errs.New(errs.Exists, "%q exists", key)
}

// makeDirs makes the directories of an object, each durably and with the configured mode.
func (s *Storage) makeDirs(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	made, parent := "", "."
	for element := range strings.SplitSeq(dir, "/") {
		made = path.Join(made, element)
		err := root.Mkdir(made, s.dirMode)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err == nil {
			if err := root.Chmod(made, s.dirMode); err != nil && !unsupported(err) {
				return err
			}
			if err := syncDir(root, parent); err != nil {
				return err
			}
		}
		parent = made
	}
	return nil
}

// syncDir flushes a directory, so that the names in it survive. File systems that cannot do that do it by themselves.
func syncDir(root *os.Root, name string) error {
	d, err := root.Open(name)
	if err != nil {
		return err
	}
	err = d.Sync()
	if !dirSync || unsupported(err) || errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
