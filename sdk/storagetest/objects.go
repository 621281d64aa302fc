package storagetest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

func objects() []testCase {
	return []testCase{
		{"ranged-reads", "any part of an object can be read", "", rangedReads},
		{"range-past-end", "a range that goes past the end is invalid", "", rangePastEnd},
		{"read-missing", "to read, describe or digest an object that is not there is not found", "", readMissing},
		{"read-writer-error", "an error of the writer ends a read and comes back", "", readWriterError},
		{"stat", "an object is described by key, size and time", "", stat},
		{"delete", "a deleted object is gone, its neighbours are not, and its key is free", "", deleteObject},
		{"delete-missing", "to delete an object that is not there is no error", "", deleteMissing},
		{"digest", "a provider that digests gives the digest of any part", "", digest},
		{"digest-tampered", "the digest tells that the stored bytes were changed (R4.5)", needsTamper, digestTampered},
		{"chunks-tampered", "the list of chunks tells that stored bytes were changed (R5.4)", needsTamperUpload, chunksTampered},
	}
}

func rangedReads(e *env) {
	c := e.s.ChunkSize
	o := e.store("object", 3*c+10)
	size := int64(len(o.data))
	for _, r := range [][2]int64{{0, 0}, {0, 1}, {0, size}, {size, 0}, {size - 1, 1}, {c - 1, 2}, {c, c}, {1, c + 5}, {5, size - 5}} {
		var got bytes.Buffer
		if err := e.ReadRange(e.Context(), o.key, r[0], r[1], &got); err != nil {
			e.Errorf("read %d bytes from %d: %v", r[1], r[0], err)
		}
		if !bytes.Equal(got.Bytes(), o.data[r[0]:r[0]+r[1]]) {
			e.Errorf("read %d bytes from %d: %d bytes, or other ones", r[1], r[0], got.Len())
		}
	}
}

func rangePastEnd(e *env) {
	o := e.store("object", 100)
	for _, r := range [][2]int64{{0, 101}, {100, 1}, {101, 0}, {50, 51}, {-1, 1}, {0, -1}, {1 << 62, 1 << 62}, {5, 1<<63 - 1}} {
		err := e.ReadRange(e.Context(), o.key, r[0], r[1], &bytes.Buffer{})
		e.isKind(fmt.Sprintf("read %d bytes from %d of 100", r[1], r[0]), err, errs.Invalid)
	}
}

func readMissing(e *env) {
	e.store("there", 10)
	for _, name := range []string{"missing", "dir/missing", "there/below"} {
		_, err := e.Stat(e.Context(), e.prefix+name)
		e.isKind("stat "+name, err, errs.NotFound)
		e.isKind("read "+name, e.ReadRange(e.Context(), e.prefix+name, 0, 1, &bytes.Buffer{}), errs.NotFound)
	}
	if d, ok := e.digester(); ok {
		_, err := d.Digest(e.Context(), e.prefix+"missing", 0, 1)
		e.isKind("digest of a missing object", err, errs.NotFound)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func readWriterError(e *env) {
	o := e.store("object", e.s.ChunkSize)
	if err := e.ReadRange(e.Context(), o.key, 0, e.s.ChunkSize, failingWriter{errors.New("pipe closed")}); err == nil {
		e.Errorf("read into a writer that fails: no error")
	}
	e.holds(o)
}

func stat(e *env) {
	before := time.Now().Add(-time.Hour)
	o := e.store("dir/object", 1234)
	got, err := e.Stat(e.Context(), o.key)
	if err != nil || got.Key != o.key || got.Size != 1234 {
		e.Fatalf("stat: %+v, error %v; want %q of 1234 bytes", got, err, o.key)
	}
	if got.Modified.Before(before) || got.Modified.After(time.Now().Add(time.Hour)) {
		e.Errorf("modified at %s; want about now", got.Modified)
	}
	_, err = e.Stat(e.Context(), e.prefix+"dir")
	e.isKind("stat what is only the beginning of a key", err, errs.NotFound)
}

func deleteObject(e *env) {
	o, neighbour := e.store("a/b/object", 10), e.store("a/other", 20)
	if err := e.Delete(e.Context(), o.key); err != nil {
		e.Fatalf("delete: %v", err)
	}
	e.absent(o.key)
	e.holds(neighbour)
	e.storeObject(o)
	e.holds(o)
}

func deleteMissing(e *env) {
	o := e.store("dir/object", 10)
	for _, name := range []string{"missing", "dir/missing", "dir", "dir/object/below"} {
		if err := e.Delete(e.Context(), e.prefix+name); err != nil {
			e.Errorf("delete %q, which is not there: %v", name, err)
		}
	}
	e.holds(o)
}

// digester returns the optional digest of stored bytes, and whether the provider has it.
func (e *env) digester() (storage.Digester, bool) {
	d, ok := e.Storage.(storage.Digester)
	return d, ok
}

func digest(e *env) {
	d, ok := e.digester()
	if !ok {
		e.Logf("the provider does not digest")
		return
	}
	o := e.store("object", 2*e.s.ChunkSize+100)
	size := int64(len(o.data))
	for _, r := range [][2]int64{{0, size}, {0, 0}, {size, 0}, {1, 5000 % size}, {e.s.ChunkSize, e.s.ChunkSize}, {size - 1, 1}} {
		got, err := d.Digest(e.Context(), o.key, r[0], r[1])
		if want := sha256.Sum256(o.data[r[0] : r[0]+r[1]]); err != nil || got != want {
			e.Errorf("digest of %d bytes from %d: %x, error %v; want %x", r[1], r[0], got[:4], err, want[:4])
		}
	}
	for _, r := range [][2]int64{{0, size + 1}, {size, 1}, {-1, 1}, {0, -1}} {
		_, err := d.Digest(e.Context(), o.key, r[0], r[1])
		e.isKind(fmt.Sprintf("digest of %d bytes from %d of %d", r[1], r[0], size), err, errs.Invalid)
	}
}

func digestTampered(e *env) {
	o := e.store("object", e.s.ChunkSize)
	e.s.Tamper(e.T, e.place, o.key)
	var got bytes.Buffer
	if err := e.ReadRange(e.Context(), o.key, 0, e.s.ChunkSize, &got); err == nil && bytes.Equal(got.Bytes(), o.data) {
		e.Errorf("the object was changed, and a read returns the old bytes")
	}
	d, ok := e.digester()
	if !ok {
		return
	}
	sum, err := d.Digest(e.Context(), o.key, 0, e.s.ChunkSize)
	if err == nil && sum == sha256.Sum256(o.data) {
		e.Errorf("the object was changed, and the digest is still the old one")
	}
}

func chunksTampered(e *env) {
	o := e.object("object", 2*e.s.ChunkSize)
	token := e.begin(o.key)
	e.put(token, o.chunks...)
	e.s.TamperUpload(e.T, e.place, token)
	for _, c := range e.arrived(token) {
		if c.Index == 0 && c.SHA256 == o.chunks[0].SHA256 {
			e.Errorf("chunk 0 was changed on the store, and is listed with its old digest")
		}
	}
	e.put(token, o.chunks[0])
	e.arrivedAre(token, o.chunks...)
	e.commit(token, len(o.data))
	e.holds(o)
}

// checker returns the optional check, and whether the provider has it.
func (e *env) checker() (storage.Checker, bool) {
	c, ok := e.Storage.(storage.Checker)
	return c, ok
}
