package server

import (
	"context"
	"io"
	"time"

	"github.com/drydock-backup/drydock/sdk/storage"
)

// Store keeps the objects of one client on the disk. It promises what package storage demands of a provider; its PutFrom
// flushes a chunk and reads it back from the disk before it returns.
type Store interface {
	storage.Storage
	storage.Checker
	storage.Digester
	Streamer
	io.Closer
}

// Streamer is what a store can do beyond a provider.
type Streamer interface {
	// PutFrom is PutChunk for bytes that come from a reader. A chunk that is there already, with the same bytes, is kept
	// without a look at the reader. Errors of the reader come back with their kind.
	PutFrom(ctx context.Context, token string, c storage.Chunk, r io.Reader) error
	// EachChunk reads every chunk that has arrived again, and calls yield for each as soon as it was read.
	EachChunk(ctx context.Context, token string, yield func(storage.ChunkInfo) error) error
	// EachPartial calls yield for every upload that is not committed, and for what is left of committed ones.
	EachPartial(ctx context.Context, yield func(Partial) error) error
	// Expire drops an upload that nothing has happened to since a time, and reports whether it did.
	Expire(ctx context.Context, token string, since time.Time) (bool, error)
}

// Partial is an upload that is not committed.
type Partial struct {
	Token     string
	ChunkSize int64 // bytes; 0 when nobody can tell any more
	Size      int64 // how far it reaches, in bytes
	Touched   time.Time
}
