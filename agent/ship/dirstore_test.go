package ship_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// dirStore is a small storage on real files. All of it is on the disk, so a second dirStore of the same directory is
// the same store after a restart.
//
//	objects/<escaped key>
//	uploads/<token>/meta.json, <index>.chunk, committed
type dirStore struct {
	dir string
	mu  *sync.Mutex
}

func newDirStore(t testing.TB) dirStore {
	t.Helper()
	s := dirStore{dir: t.TempDir(), mu: &sync.Mutex{}}
	for _, d := range []string{"objects", "uploads"} {
		if err := os.Mkdir(filepath.Join(s.dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s dirStore) object(key string) string {
	return filepath.Join(s.dir, "objects", url.PathEscape(key))
}
func (s dirStore) upload(token string) string { return filepath.Join(s.dir, "uploads", token) }

func (s dirStore) chunk(token string, index int) string {
	return filepath.Join(s.upload(token), fmt.Sprintf("%08d.chunk", index))
}

// kinded gives errors of the file system their kinds.
func kinded(err error, op string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return errs.Wrap(errs.NotFound, err, "%s", op)
	case errors.Is(err, fs.ErrExist):
		return errs.Wrap(errs.Exists, err, "%s", op)
	}
	return err
}

func (s dirStore) Begin(ctx context.Context, up storage.Upload) (string, error) {
	if _, err := os.Stat(s.object(up.Key)); err == nil {
		return "", errs.New(errs.Exists, "%s exists", up.Key)
	}
	dir, err := os.MkdirTemp(filepath.Join(s.dir, "uploads"), "up")
	if err != nil {
		return "", err
	}
	meta, err := json.Marshal(up)
	if err != nil {
		return "", err
	}
	return filepath.Base(dir), errors.Join(os.WriteFile(filepath.Join(dir, "meta.json"), meta, 0o600), ctx.Err())
}

func (s dirStore) meta(token string) (up storage.Upload, err error) {
	data, err := os.ReadFile(filepath.Join(s.upload(token), "meta.json"))
	if err == nil {
		err = json.Unmarshal(data, &up)
	}
	return up, kinded(err, "upload "+token)
}

func (s dirStore) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	if _, err := s.meta(token); err != nil {
		return err
	}
	if s.committed(token) {
		return errs.New(errs.NotFound, "upload %s was committed", token)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.NewSectionReader(f, c.FileOffset, c.Length))
	if err != nil {
		return err
	}
	if sha256.Sum256(data) != c.SHA256 {
		return errs.New(errs.Corrupt, "digest differs")
	}
	temp, err := os.CreateTemp(s.upload(token), "part")
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	return errors.Join(err, temp.Close(), os.Rename(temp.Name(), s.chunk(token, c.Index)), ctx.Err())
}

func (s dirStore) committed(token string) bool {
	_, err := os.Stat(filepath.Join(s.upload(token), "committed"))
	return err == nil
}

func (s dirStore) ListChunks(ctx context.Context, token string) ([]storage.ChunkInfo, error) {
	if _, err := s.meta(token); err != nil {
		return nil, err
	}
	if s.committed(token) {
		return nil, errs.New(errs.NotFound, "upload %s was committed", token)
	}
	paths, err := filepath.Glob(filepath.Join(s.upload(token), "*.chunk"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var all []storage.ChunkInfo
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		c := storage.ChunkInfo{Length: int64(len(data)), SHA256: sha256.Sum256(data)}
		if _, err := fmt.Sscanf(filepath.Base(p), "%d.chunk", &c.Index); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, ctx.Err()
}

func (s dirStore) Commit(ctx context.Context, token string, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	up, err := s.meta(token)
	if err != nil || s.committed(token) {
		return err
	}
	chunks, err := s.ListChunks(ctx, token)
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(s.upload(token), "whole")
	if err != nil {
		return err
	}
	var sum int64
	for i, c := range chunks {
		data, err := os.ReadFile(s.chunk(token, c.Index))
		if err != nil || c.Index != i {
			return errors.Join(err, errs.New(errs.Invalid, "chunk %d is missing", i), out.Close())
		}
		n, err := out.Write(data)
		if sum += int64(n); err != nil {
			return errors.Join(err, out.Close())
		}
	}
	if sum != size {
		return errors.Join(errs.New(errs.Invalid, "%d bytes have arrived, not %d", sum, size), out.Close())
	}
	if err := errors.Join(out.Close(), kinded(os.Link(out.Name(), s.object(up.Key)), "link")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.upload(token), "committed"), nil, 0o600)
}

func (s dirStore) Abort(_ context.Context, token string) error { return os.RemoveAll(s.upload(token)) }

func (s dirStore) ReadRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	f, err := os.Open(s.object(key))
	if err != nil {
		return kinded(err, key)
	}
	defer f.Close()
	n, err := io.Copy(w, io.NewSectionReader(f, offset, length))
	if err == nil && n != length {
		err = errs.New(errs.Invalid, "range goes past the end")
	}
	return errors.Join(err, ctx.Err())
}

func (s dirStore) Stat(_ context.Context, key string) (storage.Object, error) {
	info, err := os.Stat(s.object(key))
	if err != nil {
		return storage.Object{}, kinded(err, key)
	}
	return storage.Object{Key: key, Size: info.Size(), Modified: info.ModTime()}, nil
}

func (s dirStore) List(ctx context.Context, prefix string, yield func(storage.Object) error) error {
	entries, err := os.ReadDir(filepath.Join(s.dir, "objects"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		key, err := url.PathUnescape(e.Name())
		if err != nil || !strings.HasPrefix(key, prefix) {
			continue
		}
		obj, err := s.Stat(ctx, key)
		if err == nil {
			err = yield(obj)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s dirStore) Delete(_ context.Context, key string) error {
	if err := os.Remove(s.object(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// faulty lets a test fail the calls to a real storage. Nil hooks do nothing.
type faulty struct {
	storage.Storage
	// before may fail a call before anything has happened, or hold it up; after, when all has happened.
	before, after func(ctx context.Context, op string, index int) error
	// onWire may change the bytes that reach the storage.
	onWire func(c storage.Chunk) storage.Chunk
}

func (f faulty) around(ctx context.Context, op string, index int, call func() error) error {
	if f.before != nil {
		if err := f.before(ctx, op, index); err != nil {
			return err
		}
	}
	err := call()
	if err == nil && f.after != nil {
		err = f.after(ctx, op, index)
	}
	return err
}

func (f faulty) Begin(ctx context.Context, up storage.Upload) (token string, err error) {
	err = f.around(ctx, "begin", 0, func() (err error) { token, err = f.Storage.Begin(ctx, up); return err })
	return token, err
}

func (f faulty) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	return f.around(ctx, "put", c.Index, func() error {
		if f.onWire != nil {
			c = f.onWire(c)
		}
		return f.Storage.PutChunk(ctx, token, c)
	})
}

func (f faulty) ListChunks(ctx context.Context, token string) (all []storage.ChunkInfo, err error) {
	err = f.around(ctx, "list chunks", 0, func() (err error) { all, err = f.Storage.ListChunks(ctx, token); return err })
	return all, err
}

func (f faulty) Commit(ctx context.Context, token string, size int64) error {
	return f.around(ctx, "commit", 0, func() error { return f.Storage.Commit(ctx, token, size) })
}

func (f faulty) Abort(ctx context.Context, token string) error {
	return f.around(ctx, "abort", 0, func() error { return f.Storage.Abort(ctx, token) })
}

func (f faulty) ReadRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	return f.around(ctx, "read", 0, func() error { return f.Storage.ReadRange(ctx, key, offset, length, w) })
}

func (f faulty) List(ctx context.Context, prefix string, yield func(storage.Object) error) error {
	return f.around(ctx, "list", 0, func() error { return f.Storage.List(ctx, prefix, yield) })
}
