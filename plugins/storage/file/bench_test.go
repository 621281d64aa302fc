package file_test

import (
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/drydock-backup/drydock/plugins/storage/file"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// What the benchmarks move: 256 MiB in four chunks.
const (
	benchChunk  = 64 << 20
	benchChunks = 4
)

// benchSource writes the source files and returns their chunks.
func benchSource(b *testing.B) []storage.Chunk {
	b.Helper()
	var chunks []storage.Chunk
	data := make([]byte, benchChunk)
	for i := range benchChunks {
		for j := range data {
			data[j] = byte(j*7 + j>>9 + i)
		}
		name := filepath.Join(b.TempDir(), strconv.Itoa(i))
		if err := os.WriteFile(name, data, 0o600); err != nil {
			b.Fatal(err)
		}
		chunks = append(chunks, storage.Chunk{Index: i, Length: benchChunk, SHA256: sha256.Sum256(data), File: name})
	}
	b.SetBytes(benchChunk * benchChunks)
	return chunks
}

// BenchmarkStore compares a plain copy with a flush at its end (the floor), the provider in process, and the provider in
// a process of its own.
func BenchmarkStore(b *testing.B) {
	chunks := benchSource(b)
	b.Run("plain-copy", func(b *testing.B) {
		b.SetBytes(benchChunk * benchChunks)
		for b.Loop() {
			plainCopy(b, chunks)
		}
	})
	b.Run("in-process", func(b *testing.B) { benchStore(b, open(b, b.TempDir()), chunks) })
	b.Run("spawned", func(b *testing.B) {
		p := conformance.Start(b, conformance.Self(b, "storage", "file"), map[string]any{"path": b.TempDir()})
		s, err := p.Storage()
		if err != nil {
			b.Fatal(err)
		}
		benchStore(b, s, chunks)
	})
}

func benchStore(b *testing.B, s storage.Storage, chunks []storage.Chunk) {
	b.SetBytes(benchChunk * benchChunks)
	for i := 0; b.Loop(); i++ {
		key := strconv.Itoa(i)
		token, err := s.Begin(b.Context(), storage.Upload{Key: key, ChunkSize: benchChunk})
		for _, c := range chunks {
			if err == nil {
				err = s.PutChunk(b.Context(), token, c)
			}
		}
		if err == nil {
			err = s.Commit(b.Context(), token, benchChunk*benchChunks)
		}
		if err == nil {
			err = s.Delete(b.Context(), key)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func plainCopy(b *testing.B, chunks []storage.Chunk) {
	b.Helper()
	name := filepath.Join(b.TempDir(), "copy")
	dst, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(name)
	defer dst.Close()
	for _, c := range chunks {
		src, err := os.Open(c.File)
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.Copy(struct{ io.Writer }{dst}, io.TeeReader(src, sha256.New()))
		src.Close()
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := dst.Sync(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkReadBack compares Digest, which reads from the disk, with a digest of what the page cache holds.
func BenchmarkReadBack(b *testing.B) {
	chunks := benchSource(b)
	dir := b.TempDir()
	s := open(b, dir)
	store(b, s, "object", chunks)
	b.Run("digest", func(b *testing.B) {
		b.SetBytes(benchChunk * benchChunks)
		for b.Loop() {
			for i := range chunks {
				if _, err := s.Digest(b.Context(), "object", int64(i)*benchChunk, benchChunk); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("page-cache", func(b *testing.B) {
		b.SetBytes(benchChunk * benchChunks)
		for b.Loop() {
			if err := s.ReadRange(b.Context(), "object", 0, benchChunk*benchChunks, sha256.New()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func store(b *testing.B, s *file.Storage, key string, chunks []storage.Chunk) {
	b.Helper()
	token, err := s.Begin(b.Context(), storage.Upload{Key: key, ChunkSize: benchChunk})
	for _, c := range chunks {
		if err == nil {
			err = s.PutChunk(b.Context(), token, c)
		}
	}
	if err == nil {
		err = s.Commit(b.Context(), token, benchChunk*benchChunks)
	}
	if err != nil {
		b.Fatal(err)
	}
}
