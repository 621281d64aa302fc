package storagetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// env is what a case works with: an open store and a prefix of its own.
type env struct {
	T
	storage.Storage
	s      Subject
	place  string
	prefix string
}

func newEnv(t T, s Subject) *env {
	place := ""
	if s.Place != nil {
		place = s.Place(t)
	}
	return newEnvAt(t, s, place)
}

func newEnvAt(t T, s Subject, place string) *env {
	e := &env{T: t, s: s, place: place, prefix: newPrefix()}
	e.Storage = s.Open(t, place)
	if s.Place == nil {
		t.Cleanup(e.sweep)
	}
	return e
}

// newPrefix returns a prefix of keys that nobody else uses.
func newPrefix() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return "conformance-" + hex.EncodeToString(b[:]) + "/"
}

// sweep deletes what a case left in a shared place.
func (e *env) sweep() {
	ctx := context.WithoutCancel(e.Context())
	var all []string
	err := e.List(ctx, e.prefix, func(o storage.Object) error { all = append(all, o.Key); return nil })
	for _, key := range all {
		if errDelete := e.Delete(ctx, key); errDelete != nil {
			err = errDelete
		}
	}
	if err != nil {
		e.Logf("clean up after the case: %v", err)
	}
}

// object is bytes on their way into the store.
type object struct {
	key    string
	data   []byte
	chunks []storage.Chunk
}

// object makes n random bytes and the file and chunks that describe them.
func (e *env) object(name string, n int64) object {
	e.Helper()
	o := object{key: e.prefix + name, data: random(uint64(n)+uint64(len(name))<<40, n)}
	o.chunks = e.cut(o.data, e.s.ChunkSize)
	return o
}

// cut writes data to a file, some bytes from its beginning, and returns its chunks.
func (e *env) cut(data []byte, chunkSize int64) []storage.Chunk {
	e.Helper()
	const offset = 77
	file := e.file(append(make([]byte, offset), data...))
	var chunks []storage.Chunk
	for at := int64(0); at < int64(len(data)); at += chunkSize {
		part := data[at:min(at+chunkSize, int64(len(data)))]
		chunks = append(chunks, storage.Chunk{Index: len(chunks), Length: int64(len(part)), SHA256: sha256.Sum256(part),
			File: file, FileOffset: offset + at})
	}
	return chunks
}

// chunk returns a chunk whose file holds just data.
func (e *env) chunk(index int, data []byte) storage.Chunk {
	e.Helper()
	return storage.Chunk{Index: index, Length: int64(len(data)), SHA256: sha256.Sum256(data), File: e.file(data)}
}

func (e *env) file(data []byte) string {
	e.Helper()
	name := filepath.Join(e.TempDir(), "chunk")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		e.Fatalf("write the source file: %v", err)
	}
	return name
}

func (e *env) begin(key string) string {
	e.Helper()
	token, err := e.Begin(e.Context(), storage.Upload{Key: key, ChunkSize: e.s.ChunkSize})
	if err != nil {
		e.Fatalf("begin %q: %v", key, err)
	}
	e.Cleanup(func() { _ = e.Abort(context.WithoutCancel(e.Context()), token) })
	return token
}

func (e *env) put(token string, chunks ...storage.Chunk) {
	e.Helper()
	for _, c := range chunks {
		if err := e.PutChunk(e.Context(), token, c); err != nil {
			e.Fatalf("put chunk %d: %v", c.Index, err)
		}
	}
}

func (e *env) commit(token string, size int) {
	e.Helper()
	if err := e.Commit(e.Context(), token, int64(size)); err != nil {
		e.Fatalf("commit: %v", err)
	}
}

// store takes an object the whole way and returns it.
func (e *env) store(name string, n int64) object {
	e.Helper()
	o := e.object(name, n)
	e.storeObject(o)
	return o
}

func (e *env) storeObject(o object) {
	e.Helper()
	token := e.begin(o.key)
	e.put(token, o.chunks...)
	e.commit(token, len(o.data))
}

// holds demands that the store gives back exactly the object.
func (e *env) holds(o object) {
	e.Helper()
	info, err := e.Stat(e.Context(), o.key)
	if err != nil || info.Key != o.key || info.Size != int64(len(o.data)) {
		e.Fatalf("stat %q: %+v, error %v; want %d bytes", o.key, info, err, len(o.data))
	}
	var got bytes.Buffer
	if err := e.ReadRange(e.Context(), o.key, 0, info.Size, &got); err != nil {
		e.Fatalf("read %q: %v", o.key, err)
	}
	if !bytes.Equal(got.Bytes(), o.data) {
		e.Fatalf("%q came back changed: %d bytes for %d", o.key, got.Len(), len(o.data))
	}
}

// absent demands that nothing of the object can be seen.
func (e *env) absent(key string) {
	e.Helper()
	_, err := e.Stat(e.Context(), key)
	e.isKind("stat "+key, err, errs.NotFound)
	e.isKind("read "+key, e.ReadRange(e.Context(), key, 0, 0, &bytes.Buffer{}), errs.NotFound)
	for _, k := range e.keys(e.prefix) {
		if k == key {
			e.Errorf("%q is listed", key)
		}
	}
}

// arrived returns the chunks that have arrived, by index.
func (e *env) arrived(token string) []storage.ChunkInfo {
	e.Helper()
	got, err := e.ListChunks(e.Context(), token)
	if err != nil {
		e.Fatalf("list chunks: %v", err)
	}
	return got
}

// arrivedAre demands that exactly the given chunks have arrived.
func (e *env) arrivedAre(token string, want ...storage.Chunk) {
	e.Helper()
	got := e.arrived(token)
	if len(got) != len(want) {
		e.Fatalf("%d chunks have arrived; want %d", len(got), len(want))
	}
	for i, c := range want {
		if (got[i] != storage.ChunkInfo{Index: c.Index, Length: c.Length, SHA256: c.SHA256}) {
			e.Fatalf("chunk %d of the list is %d with %d bytes and digest %x; want %d with %d and %x", i, got[i].Index,
				got[i].Length, got[i].SHA256[:4], c.Index, c.Length, c.SHA256[:4])
		}
	}
}

// keys lists the keys with a prefix.
func (e *env) keys(prefix string) []string {
	e.Helper()
	found := []string{}
	err := e.List(e.Context(), prefix, func(o storage.Object) error { found = append(found, o.Key); return nil })
	if err != nil {
		e.Fatalf("list %q: %v", prefix, err)
	}
	return found
}

// isKind demands an error of one of the kinds.
func (e *env) isKind(what string, err error, kinds ...errs.Kind) {
	e.Helper()
	if err == nil {
		e.Errorf("%s: no error; want one of kind %q", what, kinds)
		return
	}
	for _, k := range kinds {
		if errs.Is(err, k) {
			return
		}
	}
	e.Errorf("%s: error %v of kind %q; want kind %q", what, err, errs.KindOf(err), kinds)
}

// random returns n bytes, the same for the same seed.
func random(seed uint64, n int64) []byte {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	b := make([]byte, n)
	_, _ = mathrand.NewChaCha8(key).Read(b)
	return b
}
