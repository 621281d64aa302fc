package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/pkg/sftp"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// Commit gives the data file its final name, without ever replacing another file.
func (s *Store) Commit(ctx context.Context, token string, size int64) error {
	return s.fail(s.do(ctx, func(w *work) error { return s.commit(w, token, size) }), "commit upload %s", token)
}

func (s *Store) commit(w *work, token string, size int64) error {
	m, err := w.meta(token)
	if err != nil {
		return err
	}
	w.rest()
	release, err := s.upload(token).claimAll(w.ctx)
	if err != nil {
		return err
	}
	defer release()
	data, chunks, err := w.openUpload(token)
	if errs.Is(err, errs.NotFound) {
		return w.committed(m.Key, size)
	}
	if err != nil {
		return err
	}
	err = errors.Join(w.seal(data, chunks, m, size, s.mode), data.Close(), chunks.Close())
	if err != nil {
		return w.full(err, 0)
	}
	if err := w.publish(uploadFile(token, "data"), m.Key, s.mode); err != nil {
		return w.full(err, 0)
	}
	// From here on the object is there, whatever happens.
	s.forgetUpload(token)
	_ = w.Remove(w.at(uploadFile(token, "data")))
	_ = w.Remove(w.at(uploadFile(token, "chunks")))
	return nil
}

// committed answers a second Commit: is the object that the first one made still there?
func (w *work) committed(key string, size int64) error {
	info, err := w.Lstat(w.at(key))
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() != size {
		return errs.New(errs.Invalid, "the upload was committed with another size: %q has %d bytes, not %d", key, info.Size(), size)
	}
	return nil
}

// seal makes sure that all chunks are there, and flushes the file as it is to be seen.
func (w *work) seal(data, chunks *sftp.File, m meta, size int64, mode fs.FileMode) error {
	records, err := w.records(chunks)
	if err != nil {
		return err
	}
	if err := complete(records, m.ChunkSize, size); err != nil {
		return err
	}
	info, err := data.Stat()
	switch {
	case err != nil:
		return err
	case info.Size() < size:
		return errs.New(errs.Corrupt, "the data file has %d bytes, not %d", info.Size(), size)
	case info.Size() > size: // a refused chunk made it longer
		if err := data.Truncate(size); err != nil {
			return err
		}
	}
	if err := data.Chmod(mode); err != nil {
		return err
	}
	if err := w.step(); err != nil {
		return err
	}
	return w.flush(data)
}

// complete checks that all chunks of an object of size bytes have arrived, and no others.
func complete(records []record, chunkSize, size int64) error {
	var sum int64
	for i, r := range records {
		if r.index != int64(i) {
			return errs.New(errs.Invalid, "chunk %d has not arrived", i)
		}
		if sum != r.index*chunkSize {
			return errs.New(errs.Invalid, "chunk %d has not %d bytes and is not the last", i-1, chunkSize)
		}
		sum += r.length
	}
	if sum != size {
		return errs.New(errs.Invalid, "%d chunks of %d bytes have arrived, not %d bytes", len(records), sum, size)
	}
	return nil
}

// publish links data to its key and flushes it under its new name. A Delete at the same time may remove the key's
// directory because it is empty; then it is made again.
func (w *work) publish(data, key string, mode fs.FileMode) error {
	for attempt := 0; ; attempt++ {
		err := w.makeDirs(path.Dir(key))
		if err == nil {
			err = w.link(data, key, mode)
		}
		switch {
		case err == nil:
			return w.flushName(key)
		case attempt == 10 || !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
}

// link gives data the name key, by a hard link or, where there are none, by a rename, which by the standard replaces
// nothing.
func (w *work) link(data, key string, mode fs.FileMode) error {
	if err := w.step(); err != nil {
		return err
	}
	if w.has(extLink) {
		if err := w.Link(w.at(data), w.at(key)); err == nil || errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	switch _, err := w.Lstat(w.at(key)); {
	case err == nil:
		return w.taken(data, key, mode)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	err := w.Rename(w.at(data), w.at(key))
	if _, errStat := w.Lstat(w.at(data)); refused(err) && errStat == nil { // somebody was faster
		return w.taken(data, key, mode)
	}
	return err
}

// taken tells a name that this very upload got before a crash from a name that is someone else's. SFTP knows no inode
// numbers; but when both names mean the same file, a change of mode through one shows through the other.
func (w *work) taken(data, key string, mode fs.FileMode) error {
	for _, try := range []fs.FileMode{0o400, mode} {
		if err := w.Chmod(w.at(data), try); err != nil {
			return err
		}
		info, err := w.Lstat(w.at(key))
		if err != nil {
			return err
		}
		if info.Mode() != try {
			return errors.Join(errs.New(errs.Exists, "%q exists", key), w.Chmod(w.at(data), mode))
		}
	}
	return nil
}

// makeDirs makes the directories of an object.
func (w *work) makeDirs(dir string) error {
	if dir == "." {
		return nil
	}
	made := ""
	for element := range strings.SplitSeq(dir, "/") {
		if err := w.step(); err != nil {
			return err
		}
		made = path.Join(made, element)
		if err := w.makeDir(made); err != nil {
			return err
		}
	}
	return nil
}

// flushName flushes an object after it got its name.
func (w *work) flushName(key string) error {
	f, err := w.OpenFile(w.at(key), os.O_RDWR)
	if err != nil {
		return err
	}
	return errors.Join(w.flush(f), f.Close())
}
