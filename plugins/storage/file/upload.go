package file

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"sync"
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

// upload is what the calls for one upload share in this process.
type upload struct {
	life sync.RWMutex // held for reading by PutChunk, for writing by Commit and Abort

	mu   sync.Mutex
	busy map[int]chan struct{} // chunks that are being stored; closed when done

	proven []uint64 // bit i: this process has read chunk i back and found it right
}

// upload returns the shared state of a token.
func (s *Storage) upload(token string) *upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[token]
	if u == nil {
		u = &upload{busy: map[int]chan struct{}{}}
		s.uploads[token] = u
	}
	return u
}

func (s *Storage) forgetUpload(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.uploads, token)
}

// claim waits until no other call stores the chunk, and returns the function that lets go of it.
func (u *upload) claim(ctx context.Context, index int) (release func(), err error) {
	for {
		u.mu.Lock()
		other := u.busy[index]
		if other == nil {
			mine := make(chan struct{})
			u.busy[index] = mine
			u.mu.Unlock()
			return func() {
				u.mu.Lock()
				defer u.mu.Unlock()
				delete(u.busy, index)
				close(mine)
			}, nil
		}
		u.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Begin opens an upload: a directory of its own in the staging directory.
func (s *Storage) Begin(ctx context.Context, up storage.Upload) (string, error) {
	token, err := s.begin(ctx, up)
	return token, s.fail(err, "begin %q", up.Key)
}

func (s *Storage) begin(ctx context.Context, up storage.Upload) (string, error) {
	if err := checkKey(up.Key); err != nil {
		return "", err
	}
	if up.ChunkSize < 1 {
		return "", errs.New(errs.Invalid, "chunk size %d is not positive", up.ChunkSize)
	}
	root, err := s.open()
	if err != nil {
		return "", err
	}
	switch _, err := root.Lstat(up.Key); {
	case err == nil:
		return "", errs.New(errs.Exists, "the name is taken")
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	s.prune(root)
	dir, err := newUploadDir(root)
	if err != nil {
		return "", err
	}
	if err := fillUploadDir(root, dir, meta{Key: up.Key, ChunkSize: up.ChunkSize}); err != nil {
		return "", errors.Join(err, root.RemoveAll(dir))
	}
	return dir[len(staging)+1:], nil
}

// newUploadDir makes an empty directory <staging>/<token>. It tries again when a concurrent Check or Abort has just
// removed the staging directory because it was empty.
func newUploadDir(root *os.Root) (string, error) {
	dir := staging + "/" + newToken()
	for attempt := 0; ; attempt++ {
		err := root.Mkdir(staging, 0o700)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		if err == nil {
			if err := syncDir(root, "."); err != nil {
				return "", err
			}
		}
		err = root.Mkdir(dir, 0o700)
		if err == nil || attempt == 10 || !errors.Is(err, fs.ErrNotExist) {
			return dir, err
		}
	}
}

func fillUploadDir(root *os.Root, dir string, m meta) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	for _, name := range []string{"/data", "/chunks"} {
		if err := writeFile(root, dir+name, nil); err != nil {
			return err
		}
	}
	if err := writeFile(root, dir+"/upload.json", append(text, '\n')); err != nil {
		return err
	}
	if err := syncDir(root, dir); err != nil {
		return err
	}
	return syncDir(root, staging)
}

// writeFile makes a new file and flushes it.
func writeFile(root *os.Root, name string, data []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && len(data) > 0 {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// meta reads what Begin wrote. A token that names no upload is errs.NotFound.
func (s *Storage) meta(token string) (*os.Root, meta, error) {
	var m meta
	root, err := s.open()
	if err != nil {
		return nil, m, err
	}
	if !isToken(token) {
		return nil, m, errs.New(errs.NotFound, "no such upload")
	}
	text, err := root.ReadFile(uploadFile(token, "upload.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, m, errs.New(errs.NotFound, "no such upload")
	}
	if err != nil {
		return nil, m, err
	}
	if err := json.Unmarshal(text, &m); err != nil || checkKey(m.Key) != nil || m.ChunkSize < 1 {
		return nil, m, errs.New(errs.Corrupt, "%s is damaged", uploadFile(token, "upload.json"))
	}
	return root, m, nil
}

func uploadFile(token, name string) string { return staging + "/" + token + "/" + name }

// Abort drops an upload. Of an upload that was committed it removes the remains, not the object.
func (s *Storage) Abort(ctx context.Context, token string) error {
	if !isToken(token) {
		return nil
	}
	root, err := s.open()
	if err != nil {
		return s.fail(err, "abort upload %s", token)
	}
	u := s.upload(token)
	u.life.Lock()
	defer u.life.Unlock()
	defer s.forgetUpload(token)
	if err := ctx.Err(); err != nil {
		return s.fail(err, "abort upload %s", token)
	}
	return s.fail(removeUpload(root, staging+"/"+token), "abort upload %s", token)
}

// removeUpload removes upload.json first: what is left of an upload without it is not taken for a committed one.
func removeUpload(root *os.Root, dir string) error {
	if err := root.Remove(dir + "/upload.json"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := root.RemoveAll(dir); err != nil {
		return err
	}
	_ = root.Remove(staging) // succeeds when it is empty
	return nil
}

// prune removes, once in the life of a process, what committed uploads left and what crashes of Begin left. It does its
// best: what it cannot remove stays.
func (s *Storage) prune(root *os.Root) {
	s.mu.Lock()
	done := s.pruned
	s.pruned = true
	s.mu.Unlock()
	if done {
		return
	}
	entries, err := fs.ReadDir(root.FS(), staging)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < keepRemains || !isToken(e.Name()) {
			continue
		}
		_, errMeta := root.Stat(uploadFile(e.Name(), "upload.json"))
		_, errData := root.Stat(uploadFile(e.Name(), "data"))
		if errors.Is(errMeta, fs.ErrNotExist) || errors.Is(errData, fs.ErrNotExist) {
			_ = removeUpload(root, staging+"/"+e.Name())
		}
	}
}
