package file

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/drydock-backup/drydock/sdk/storage"
)

// part is how much of a chunk is written before it is flushed and read back, while the next part is written.
const part = 16 << 20

// place copies a chunk to its place in the data file. Another goroutine follows part by part: it flushes what was written,
// and then compares what the disk gives back. So flush and disk work while the next bytes come, and little is left to do at the
// chunk's end.
func (s *Storage) place(ctx context.Context, t target, src source, c storage.Chunk, at int64) error {
	both, stop := context.WithCancel(ctx)
	defer stop()
	written := make(progress, 1)
	followed := make(chan error, 1)
	go func() { // ends with written or both, and is waited for
		err := s.follow(both, t, written, c, at)
		if err != nil {
			stop()
		}
		followed <- err
	}()
	err := s.copy(both, t, src, c, at, written)
	if err != nil {
		stop()
	}
	close(written)
	back := <-followed
	if err == nil || errors.Is(err, context.Canceled) && back != nil && !errors.Is(back, context.Canceled) {
		return back // which has stopped the copy, if that has an error
	}
	return err
}

// progress tells how far a file was written. A word that nobody has taken yet gives way to the next.
type progress chan int64

// reach is for one goroutine, and never waits.
func (p progress) reach(end int64) {
	select {
	case <-p:
	default:
	}
	p <- end
}

// follow flushes what was written and digests what the disk gives back, until written is closed. Then all of the chunk must be
// what it should be.
func (s *Storage) follow(ctx context.Context, t target, written progress, c storage.Chunk, at int64) error {
	h := sha256.New()
	for {
		select {
		case end, more := <-written:
			if err := ctx.Err(); err != nil {
				return err
			}
			if !more {
				return compare([32]byte(h.Sum(nil)), nil, c)
			}
			if err := datasync(t.data.File); err != nil {
				return err
			}
			dropCache(t.data.File, at, end-at)
			if err := s.each(ctx, t.data, at, end-at, func(b []byte) error { hashed(h, b); return nil }); err != nil {
				return compare([32]byte{}, err, c)
			}
			at = end
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
