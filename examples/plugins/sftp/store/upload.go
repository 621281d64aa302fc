package store

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// keepRemains is how long a committed upload is remembered.
const keepRemains = 7 * 24 * time.Hour

// meta is what upload.json holds.
type meta struct {
	Key       string `json:"key"`
	ChunkSize int64  `json:"chunk_size"`
}

func uploadDir(token string) string { return path.Join(staging, token) }

func uploadFile(token, name string) string { return path.Join(staging, token, name) }

// Begin opens an upload: a directory of its own.
func (s *Store) Begin(ctx context.Context, up storage.Upload) (string, error) {
	err := checkKey(up.Key)
	if err == nil && up.ChunkSize < 1 {
		err = errs.New(errs.Invalid, "chunk size %d is not positive", up.ChunkSize)
	}
	token := newToken()
	if err == nil {
		err = s.do(ctx, func(w *work) error { return s.begin(w, token, meta{Key: up.Key, ChunkSize: up.ChunkSize}) })
	}
	if err != nil {
		return "", s.fail(err, "begin %q", up.Key)
	}
	return token, nil
}

func (s *Store) begin(w *work, token string, m meta) error {
	switch _, err := w.Lstat(w.at(m.Key)); {
	case err == nil:
		return errs.New(errs.Exists, "the name is taken")
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	s.prune(w)
	if err := w.step(); err != nil {
		return err
	}
	if err := w.makeUploadDir(token); err != nil {
		return w.full(err, 0)
	}
	if err := w.fill(token, m); err != nil {
		return w.full(errors.Join(err, w.removeUpload(token)), 0)
	}
	return nil
}

// makeUploadDir tries again when a Check at the same time has just removed the staging directory because it was empty.
func (w *work) makeUploadDir(token string) error {
	for attempt := 0; ; attempt++ {
		err := w.makeDir(staging)
		if err == nil {
			err = w.Mkdir(w.at(uploadDir(token)))
		}
		if attempt == 10 || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
}

// fill writes the files of a new upload.
func (w *work) fill(token string, m meta) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	for _, name := range []string{"data", "chunks"} {
		if err := w.writeFile(uploadFile(token, name), nil); err != nil {
			return err
		}
	}
	return w.writeFile(uploadFile(token, "upload.json"), append(text, '\n'))
}

// writeFile makes a new file and flushes it.
func (w *work) writeFile(name string, data []byte) error {
	if err := w.step(); err != nil {
		return err
	}
	f, err := w.OpenFile(w.at(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	err = f.Chmod(0o600)
	if err == nil && len(data) > 0 {
		if _, err = f.WriteAt(data, 0); err == nil {
			err = w.flush(f)
		}
	}
	return errors.Join(err, f.Close())
}

// makeDir makes a directory that may be there already. Where a file has its name, that is errs.Invalid.
func (w *work) makeDir(name string) error {
	err := w.Mkdir(w.at(name))
	if !refused(err) {
		return err
	}
	info, errStat := w.Stat(w.at(name))
	switch {
	case errStat != nil:
		return err
	case !info.IsDir():
		return errs.New(errs.Invalid, "%q is not a directory", name)
	}
	return nil
}

// meta reads what Begin wrote. A token that names no upload is errs.NotFound.
func (w *work) meta(token string) (meta, error) {
	var m meta
	if !isToken(token) {
		return m, errs.New(errs.NotFound, "no such upload")
	}
	if err := w.step(); err != nil {
		return m, err
	}
	f, err := w.Open(w.at(uploadFile(token, "upload.json")))
	if errors.Is(err, fs.ErrNotExist) {
		return m, errs.New(errs.NotFound, "no such upload")
	}
	if err != nil {
		return m, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil || checkKey(m.Key) != nil || m.ChunkSize < 1 {
		return m, errs.New(errs.Corrupt, "%s is damaged", uploadFile(token, "upload.json"))
	}
	return m, nil
}

// Abort drops an upload. Of an upload that was committed it removes the remains, not the object.
func (s *Store) Abort(ctx context.Context, token string) error {
	if !isToken(token) {
		return nil
	}
	return s.fail(s.do(ctx, func(w *work) error {
		w.rest()
		release, err := s.upload(token).claimAll(ctx)
		if err != nil {
			return err
		}
		defer release()
		if err := w.step(); err != nil {
			return err
		}
		defer s.forgetUpload(token)
		return w.removeUpload(token)
	}), "abort upload %s", token)
}

// removeUpload removes upload.json first: what is left of an upload without it is not taken for a committed one.
func (w *work) removeUpload(token string) error {
	for _, name := range []string{"upload.json", "data", "chunks"} {
		if err := w.Remove(w.at(uploadFile(token, name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := w.RemoveDirectory(w.at(uploadDir(token))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// prune removes, once in the life of a process, what committed uploads left and what crashes of Begin left. It does its
// best: what it cannot remove stays.
func (s *Store) prune(w *work) {
	s.mu.Lock()
	done := s.pruned
	s.pruned = true
	s.mu.Unlock()
	if done {
		return
	}
	entries, err := w.ReadDir(w.at(staging))
	if err != nil {
		return
	}
	for _, e := range entries {
		if !isToken(e.Name()) || time.Since(e.ModTime()) < keepRemains || w.step() != nil {
			continue
		}
		_, errMeta := w.Lstat(w.at(uploadFile(e.Name(), "upload.json")))
		_, errData := w.Lstat(w.at(uploadFile(e.Name(), "data")))
		if errors.Is(errMeta, fs.ErrNotExist) || errors.Is(errData, fs.ErrNotExist) {
			_ = w.removeUpload(e.Name())
		}
	}
}
