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

// transfer moves one file to a storage provider's process and back, in turn with a peer that uses parts of the same size
// and as many connections. The digests of the chunks are there before, as a spool has them.
func (b *bench) transfer(server string, store storage.Storage, p peer) {
	from := b.noise()
	chunks := b.transferChunks(from)
	into, err := os.Create(filepath.Join(b.dir, "back"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer into.Close()
	var up, down, peerUp, peerDown []float64
	for i := range b.rounds + 1 {
		ours, theirs := fmt.Sprintf("ours-%d", i), fmt.Sprintf("theirs-%d", i)
		mine := func() {
			up = append(up, b.timed(func() error { return b.upload(store, ours, chunks) }))
			down = append(down, b.timed(func() error { return b.download(store, ours, into) }))
		}
		other := func() {
			peerUp = append(peerUp, b.timed(func() error { return p.up(from, theirs) }))
			peerDown = append(peerDown, b.timed(func() error { return p.down(theirs, into) }))
		}
		if i%2 == 0 {
			mine, other = other, mine
		}
		mine()
		other()
		for _, key := range []string{ours, theirs} {
			if err := store.Delete(b.ctx(), key); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	report := func(way string, ours, theirs []float64) {
		x, y := median(ours[1:]), median(theirs[1:]) // the first round warms up
		fmt.Printf("  %s, %s of %d MiB: %.0f MiB/s, %s %.0f MiB/s; ratio %.2f (wanted: at least 0.9)\n", server, way,
			transferSize>>20, transferSize/x/(1<<20), p.name, transferSize/y/(1<<20), y/x)
	}
	report("upload", up, peerUp)
	report("download", down, peerDown)
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
