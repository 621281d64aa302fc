package storagetest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// memory is a store in memory that keeps every promise, except those that a test switches off.
type memory struct {
	mu      sync.Mutex
	objects map[string]*object
	uploads map[string]*upload
	room    int64 // bytes of chunks that may be held
	next    int
	broken  string // the case whose promise is not kept
}

type object struct {
	data     []byte
	modified time.Time
	hold     storage.Hold
}

type upload struct {
	storage.Upload
	chunks    map[int][]byte
	committed bool
}

func newMemory(broken string) *memory {
	return &memory{objects: map[string]*object{}, uploads: map[string]*upload{}, room: 1 << 40, broken: broken}
}

func checkKey(key string) error {
	if key == "" || key == "." || path.Clean(key) != key || path.IsAbs(key) || strings.HasPrefix(key+"/", "../") ||
		strings.ContainsFunc(key, unicode.IsControl) {
		return errs.New(errs.Invalid, "bad key %q", key)
	}
	return nil
}

func (m *memory) breaks(name string) bool { return m.broken == name }

func (m *memory) Begin(ctx context.Context, up storage.Upload) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil && !m.breaks("cancelled-before") {
		return "", err
	}
	if err := checkKey(up.Key); err != nil && !m.breaks("bad-keys") {
		return "", err
	}
	if up.ChunkSize < 1 && !m.breaks("bad-chunk-size") {
		return "", errs.New(errs.Invalid, "chunk size %d", up.ChunkSize)
	}
	if m.objects[up.Key] != nil && !m.breaks("begin-existing") {
		return "", errs.New(errs.Exists, "%q", up.Key)
	}
	if !m.breaks("tokens-differ") {
		m.next++
	}
	token := fmt.Sprintf("%032x", m.next)
	m.uploads[token] = &upload{Upload: up, chunks: map[int][]byte{}}
	if m.breaks("nothing-before-commit") {
		m.objects[up.Key] = &object{}
	}
	return token, nil
}

func (m *memory) upload(token string) (*upload, error) {
	u := m.uploads[token]
	if u == nil && !m.breaks("unknown-token") {
		return nil, errs.New(errs.NotFound, "upload %q", token)
	}
	if u == nil {
		u = &upload{}
	}
	return u, nil
}

func (m *memory) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	u, err := m.upload(token)
	if err != nil {
		return err
	}
	if u.committed {
		if !m.breaks("put-after-commit") {
			return errs.New(errs.NotFound, "committed")
		}
		m.objects[u.Key].data = []byte("changed")
		return nil
	}
	bad := c.Index < 0 || c.Length < 0 || c.Length > u.ChunkSize || c.FileOffset < 0
	if bad && !m.breaks("bad-chunks") {
		return errs.New(errs.Invalid, "chunk %+v", c)
	}
	if bad {
		return nil
	}
	data, err := m.read(ctx, c)
	if err != nil {
		return err
	}
	if u.chunks[c.Index] != nil && m.breaks("changed-chunk") {
		return nil
	}
	if u.chunks[c.Index] != nil && m.breaks("same-chunk-twice") {
		return errs.New(errs.Exists, "chunk %d", c.Index)
	}
	m.room -= int64(len(data))
	if m.room < 0 && !m.breaks("full") {
		m.room += int64(len(data))
		return errs.New(errs.NoSpace, "full")
	}
	u.chunks[c.Index] = data
	return nil
}

func (m *memory) read(ctx context.Context, c storage.Chunk) ([]byte, error) {
	f, err := os.Open(c.File)
	if err != nil && m.breaks("missing-source") {
		return nil, nil
	}
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "open")
	}
	defer f.Close()
	if m.breaks("cancel-put") {
		time.Sleep(2100 * time.Millisecond)
	}
	var data bytes.Buffer
	for from := c.FileOffset; from < c.FileOffset+c.Length; from += 1 << 20 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(1<<20, c.FileOffset+c.Length-from)
		if _, err := io.Copy(&data, io.NewSectionReader(f, from, n)); err != nil {
			return nil, err
		}
	}
	if int64(data.Len()) != c.Length && !m.breaks("short-source") {
		return nil, errs.New(errs.Corrupt, "short")
	}
	wrong := sha256.Sum256(data.Bytes()) != c.SHA256
	if wrong && !m.breaks("wrong-digest") && !m.breaks("wrong-digest-again") {
		return nil, errs.New(errs.Corrupt, "digest")
	}
	return data.Bytes(), nil
}

func (m *memory) ListChunks(_ context.Context, token string) ([]storage.ChunkInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, err := m.upload(token)
	if err != nil {
		return nil, err
	}
	var list []storage.ChunkInfo
	for i, data := range u.chunks {
		list = append(list, storage.ChunkInfo{Index: i, Length: int64(len(data)), SHA256: sha256.Sum256(data)})
	}
	slices.SortFunc(list, func(a, b storage.ChunkInfo) int { return a.Index - b.Index })
	if m.breaks("list-chunks") {
		slices.Reverse(list)
	}
	if m.breaks("chunks-tampered") && len(list) > 0 {
		list[0].SHA256 = sha256.Sum256(undo(u.chunks[0]))
	}
	return list, nil
}

func (m *memory) Commit(ctx context.Context, token string, size int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	u, err := m.upload(token)
	if err != nil {
		return err
	}
	if u.committed && !m.breaks("second-commit") {
		return nil
	}
	data, err := m.join(u)
	if err != nil {
		return err
	}
	if int64(len(data)) != size && !m.breaks("commit-wrong-size") {
		return errs.New(errs.Invalid, "%d bytes, not %d", len(data), size)
	}
	if m.objects[u.Key] != nil && !m.breaks("no-overwrite") && !m.breaks("commit-race") && !m.breaks("nothing-before-commit") {
		return errs.New(errs.Exists, "%q", u.Key)
	}
	m.objects[u.Key] = &object{data: m.lose(data), modified: time.Now()}
	u.committed = true
	return nil
}

// join puts the chunks of an upload together.
func (m *memory) join(u *upload) ([]byte, error) {
	var data []byte
	var last int
	for i := range u.chunks {
		last = max(last, i+1)
	}
	for i := range last {
		chunk, ok := u.chunks[i]
		if !ok && !m.breaks("commit-missing-chunk") {
			return nil, errs.New(errs.Invalid, "chunk %d", i)
		}
		if !ok {
			chunk = make([]byte, u.ChunkSize)
		}
		if int64(len(data)) != int64(i)*u.ChunkSize && !m.breaks("commit-short-chunk") {
			return nil, errs.New(errs.Invalid, "chunk %d is short", i-1)
		}
		data = append(data, chunk...)
	}
	return data, nil
}

// lose spoils an object whose size a broken case is about.
func (m *memory) lose(data []byte) []byte {
	data = slices.Clone(data)
	spoils := map[string]bool{"zero-bytes": len(data) == 0, "one-byte": len(data) == 1}
	for _, name := range []string{"chunk-minus-one", "one-chunk", "chunk-plus-one", "many-chunks", "out-of-order", "parallel-chunks",
		"same-chunk-at-once", "many-uploads", "second-handle", "odd-keys"} {
		spoils[name] = true
	}
	if spoils[m.broken] {
		return append(data, 'x')
	}
	return data
}

func (m *memory) Abort(_ context.Context, token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.uploads[token]
	if u == nil || m.breaks("abort") {
		return nil
	}
	if u.committed && m.breaks("abort-keeps-object") {
		delete(m.objects, u.Key)
	}
	for _, data := range u.chunks {
		m.room += int64(len(data))
	}
	delete(m.uploads, token)
	return nil
}
