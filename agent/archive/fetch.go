package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"

	"github.com/drydock-backup/drydock/agent/archive/zip64"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// Frames that lie close together are fetched with one read: a read may be a request to a target far away. A gap, such as
// the headers between two files, is read as well when it is short.
const (
	batchSize   = 4 << 20
	batchGap    = 4 << 10
	batchPieces = 64
)

// batch is some pieces that are fetched with one read.
type batch struct {
	from, to int64 // in the artifact
	pieces   []*piece
	buf      []byte
	err      error
	ready    chan struct{} // closed when buf is there, or err
	left     atomic.Int32  // pieces that still need buf
}

// fetcher reads batches, some of them at once, into a bounded number of buffers.
type fetcher struct {
	src  Source
	free chan []byte // nil stands for a buffer that has no memory yet
	now  *batch      // that is being put together
}

func newFetcher(src Source) *fetcher {
	f := &fetcher{src: src, free: make(chan []byte, min(runtime.GOMAXPROCS(0), 6)+2)}
	for range cap(f.free) {
		f.free <- nil
	}
	return f
}

// add puts a piece into the batch that is being put together. full is one that has to be fetched before it: there is none
// when it is nil.
func (f *fetcher) add(p *piece) (full *batch) {
	end := p.from + p.packed
	b := f.now
	if b != nil && (p.from < b.to || p.from-b.to > batchGap || end-b.from > batchSize || len(b.pieces) == batchPieces) {
		full, f.now = b, nil
	}
	if f.now == nil {
		f.now = &batch{from: p.from, ready: make(chan struct{})}
	}
	p.batch = f.now
	f.now.to, f.now.pieces = end, append(f.now.pieces, p)
	return full
}

// rest returns the last batch, which may be nil.
func (f *fetcher) rest() *batch {
	b := f.now
	f.now = nil
	return b
}

// start begins to fetch a batch, as soon as there is memory for it.
func (f *fetcher) start(ctx context.Context, b *batch) error {
	select {
	case buf := <-f.free:
		b.left.Store(int32(len(b.pieces)))
		go f.fetch(ctx, b, buf)
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *fetcher) fetch(ctx context.Context, b *batch, buf []byte) {
	defer close(b.ready)
	size := int(b.to - b.from)
	if cap(buf) < size {
		buf = make([]byte, size, max(size, batchSize))
	}
	b.buf = buf[:size]
	if b.err = context.Cause(ctx); b.err == nil {
		b.err = f.read(b.buf, b.from)
	}
}

func (f *fetcher) read(p []byte, at int64) error {
	err := zip64.ReadFullAt(f.src, p, at)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errs.New(errs.Corrupt, "the artifact ends at byte %d", f.src.Size())
	case err != nil:
		return fmt.Errorf("read artifact at byte %d: %w", at, err)
	}
	return nil
}

// take copies a piece's bytes. The batch is ready. Where a batch holds damage, each of its pieces is read alone: the others
// are not to blame.
func (f *fetcher) take(p *piece, into []byte) error {
	b := p.batch
	defer f.done(p)
	if errs.Is(b.err, errs.Corrupt) {
		return f.read(into, p.from)
	}
	if b.err == nil {
		copy(into, b.buf[p.from-b.from:][:p.packed])
	}
	return b.err
}

// done gives the memory of a batch back after the last of its pieces.
func (f *fetcher) done(p *piece) {
	if b := p.batch; b.left.Add(-1) == 0 {
		f.free <- b.buf
		b.buf = nil
	}
}
