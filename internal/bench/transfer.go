package main

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-backup/drydock/sdk/storage"
)

// What goes to a storage service and comes back.
const (
	transferSize = 768 << 20 // bytes of one file, which stays in the page cache
	transferPart = 64 << 20  // bytes of a chunk, the default of a job, and of the peer's part
	transfers    = 4         // at once, here and there
)

// peer is the vendor's own way to move a file to and from the same server.
type peer struct {
	name string
	up   func(from *os.File, key string) error
	down func(key string, into *os.File) error
}

// pace is how long one way of moving the file took, round by round, in seconds.
type pace struct{ up, down []float64 }

// transfer moves one file to a storage provider's process and back, in turn with peers that use parts of the same size
// and as many connections. The digests of the chunks are there before, as a spool has them.
func (b *bench) transfer(server string, store storage.Storage, peers ...peer) {
	from := b.noise()
	chunks := b.transferChunks(from)
	into, err := os.Create(filepath.Join(b.dir, "back"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer into.Close()
	ways := append([]peer{{
		name: "drydock",
		up:   func(_ *os.File, key string) error { return b.upload(store, key, chunks) },
		down: func(key string, into *os.File) error { return b.download(store, key, into) },
	}}, peers...)
	paces := make([]pace, len(ways))
	for round := range b.rounds + 1 {
		for i := range ways {
			n := (i + round) % len(ways) // each is first in its turn
			key := fmt.Sprintf("moved-%d-%d", round, n)
			up := b.timed(func() error { return ways[n].up(from, key) })
			down := b.timed(func() error { return ways[n].down(key, into) })
			if round > 0 { // the first one warms up
				paces[n].up, paces[n].down = append(paces[n].up, up), append(paces[n].down, down)
			}
			if err := store.Delete(b.ctx(), key); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	for i, p := range peers {
		report(server, "upload", p.name, paces[0].up, paces[i+1].up)
		report(server, "download", p.name, paces[0].down, paces[i+1].down)
	}
}

func report(server, way, peer string, ours, theirs []float64) {
	rate := func(seconds float64) float64 { return transferSize / seconds / (1 << 20) }
	x, y := median(ours), median(theirs)
	fmt.Printf("  %s, %s of %d MiB: %.0f MiB/s, %s %.0f MiB/s; ratio %.2f (wanted: at least 0.9)\n", server, way,
		transferSize>>20, rate(x), peer, rate(y), y/x)
}

// noise makes the file: bytes that nothing compresses.
func (b *bench) noise() *os.File {
	f, err := os.OpenFile(filepath.Join(b.dir, "noise"), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = io.CopyN(f, rand.Reader, transferSize)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = f.Close() })
	return f
}

func (b *bench) transferChunks(f *os.File) []storage.Chunk {
	return b.cut(f, transferSize, transferPart)
}

// cut makes chunks of the start of a file; size is a multiple of part.
func (b *bench) cut(f *os.File, size, part int64) []storage.Chunk {
	data := make([]byte, part)
	var all []storage.Chunk
	for at := int64(0); at < size; at += part {
		if _, err := f.ReadAt(data, at); err != nil {
			b.t.Fatal(err)
		}
		all = append(all, storage.Chunk{Index: len(all), Length: part, SHA256: sha256.Sum256(data), File: f.Name(), FileOffset: at})
	}
	return all
}

func (b *bench) upload(s storage.Storage, key string, chunks []storage.Chunk) error {
	part := chunks[0].Length
	token, err := s.Begin(b.ctx(), storage.Upload{Key: key, ChunkSize: part})
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(b.ctx())
	g.SetLimit(transfers)
	for _, c := range chunks {
		g.Go(func() error { return s.PutChunk(ctx, token, c) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.Commit(b.ctx(), token, int64(len(chunks))*part)
}

func (b *bench) download(s storage.Storage, key string, into *os.File) error {
	g, ctx := errgroup.WithContext(b.ctx())
	g.SetLimit(transfers)
	for at := int64(0); at < transferSize; at += transferPart {
		g.Go(func() error { return s.ReadRange(ctx, key, at, transferPart, io.NewOffsetWriter(into, at)) })
	}
	return g.Wait()
}
