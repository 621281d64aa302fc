package archive

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/drydock-backup/drydock/agent/archive/zip64"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// extractor reads entries with all cores and proves each against the manifest:
//
//	feed ── cuts entries into pieces, pieces into batches ── fetcher ── dispatch ── pieces, in parallel ── run, in order
//
// add is called by one goroutine; finish by another, in the order of add, when an entry is through.
type extractor struct {
	r       *Reader
	frames  Frames
	stored  *stored
	block   []byte                 // some zeros
	zero    atomic.Pointer[[]byte] // a packed frame that is known to hold only zeros
	fetcher *fetcher
	pending chan *piece // whose batch is being fetched
	queue   chan *piece
	finish  func(*target) error
	meter   *meter
	skipped atomic.Int64
	wrote   func(n int64) // told of what is through; may be nil
}

const extractQueue = 128

func newExtractor(r *Reader, f Frames, m *meter, finish func(*target) error) (*extractor, error) {
	h := r.header
	if f != nil && f.Method() == h.Method && f.FrameSize() < h.FrameSize {
		return nil, errs.New(errs.Invalid, "the artifact has frames of %d bytes, the compressor was set up for %d",
			h.FrameSize, f.FrameSize())
	}
	return &extractor{
		r: r, frames: f, stored: newStored(h.FrameSize, 2*runtime.GOMAXPROCS(0)), block: make([]byte, zeroBlock),
		fetcher: newFetcher(r.src), pending: make(chan *piece, 2*batchPieces), queue: make(chan *piece, extractQueue),
		finish: finish, meter: m,
	}, nil
}

// run lets feed add entries, and returns when all are through or something failed.
func (x *extractor) run(ctx context.Context, feed func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(x.pending)
		err := feed(ctx)
		if err == nil {
			err = x.flush(ctx, x.fetcher.rest())
		}
		if err != nil {
			cancel(err)
		}
	})
	wg.Go(func() {
		defer close(x.queue)
		x.dispatch(ctx)
	})
	for p := range x.queue {
		<-p.done
		if ctx.Err() != nil {
			continue
		}
		if err := x.through(p); err != nil {
			cancel(err)
		}
	}
	wg.Wait()
	return context.Cause(ctx)
}

// flush begins to fetch a batch, if there is one, and queues its pieces.
func (x *extractor) flush(ctx context.Context, b *batch) error {
	if b == nil {
		return nil
	}
	if err := x.fetcher.start(ctx, b); err != nil {
		return err
	}
	for _, p := range b.pieces {
		x.pending <- p
	}
	return nil
}

// dispatch gives each piece its slot and its bytes, in order: the order of slots is what keeps pieces that wait for the one
// before them, in the same file, from taking its slot.
func (x *extractor) dispatch(ctx context.Context) {
	var last *piece
	for p := range x.pending {
		<-p.batch.ready
		if err := x.equip(ctx, p); err != nil || p.slot == nil {
			x.fetcher.done(p)
			p.err = err
			close(p.hashed)
			close(p.done)
		} else {
			go p.run(ctx, x, p.after(last))
		}
		last = p
		x.queue <- p
	}
}

// equip gets a piece its slot; one without bytes needs none.
func (x *extractor) equip(ctx context.Context, p *piece) (err error) {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case p.size == 0 || p.err != nil:
		return p.err
	}
	slot, err := p.frames.Slot(ctx)
	if err == nil {
		p.slot = slot
	}
	return err
}

// through deals with a piece that is done, and with its entry after the last one.
func (x *extractor) through(p *piece) error {
	t := p.target
	if p.err != nil {
		if !errs.Is(p.err, errs.Corrupt) {
			return fmt.Errorf("%q: %w", t.Path, p.err)
		}
		t.fail(p.err.Error())
	}
	x.meter.Bytes, x.meter.Path = x.meter.Bytes+p.size+x.skipped.Swap(0), t.Path
	if t.out != nil && p.size > 0 && t.flaw == "" {
		t.unproven.add(span{off: p.off, size: p.size, crcs: p.crcs, hole: p.zeros})
	}
	if x.wrote != nil {
		x.wrote(p.size)
	}
	if p.last {
		x.meter.Files++
		t.prove(x.r.header.Trailer)
		if err := x.finish(t); err != nil {
			return err
		}
	}
	x.meter.tick()
	return nil
}

func (t *target) fail(flaw string) {
	if t.flaw == "" {
		t.flaw = flaw
	}
}

// prove compares the digests. Of what an earlier restore has written only the SHA-256 is known.
func (t *target) prove(trailer []byte) {
	if t.Method != zip64.Store {
		t.sum.data(trailer)
	}
	switch {
	case t.there(): // the prover reads all of it
	case t.sum.sum() != t.SHA256:
		t.fail("its SHA-256 differs from the manifest's")
	case t.from > 0:
	case t.sum.crc != t.CRC32:
		t.fail("its CRC-32 differs from the manifest's")
	case t.sum.packed != t.PackedCRC32:
		t.fail("its packed data was altered, though its content was not")
	}
}

// there reports whether all of the content lies there from an earlier restore.
func (t *target) there() bool { return t.from > 0 && t.from == t.Size }

// add starts to read an entry with content, from the frame that t.from names. It waits while all buffers are taken.
func (x *extractor) add(ctx context.Context, t *target) error {
	if t.Size == 0 || t.from >= t.Size {
		x.skip(t.from)
		return x.piece(ctx, &piece{target: t, from: t.Data, off: t.Size, last: true})
	}
	frames, err := x.framesFor(&t.File)
	if err != nil {
		return err
	}
	from, off, frame := t.Data, int64(0), int64(x.r.header.FrameSize)
	return x.cut(&t.File, func(packed, size int64) error {
		p := &piece{target: t, frames: frames, from: from, packed: packed, off: off, size: size}
		from, off = from+packed, off+size
		if off <= t.from/frame*frame {
			x.skip(size)
			return nil
		}
		p.last = off == t.Size
		if packed > 2*frame+frameExcess {
			p.packed, p.err = 0, errs.New(errs.Corrupt, "frame at byte %d is longer than any can be", p.from)
		}
		return x.piece(ctx, p)
	})
}

// frameExcess is more than a compressor adds to a frame of any size, besides the frame itself.
const frameExcess = 64 << 10

// skip counts what lies there already.
func (x *extractor) skip(size int64) { x.skipped.Add(size) }

func (x *extractor) piece(ctx context.Context, p *piece) error {
	p.hashed, p.done = make(chan struct{}), make(chan struct{})
	return x.flush(ctx, x.fetcher.add(p))
}

func (x *extractor) framesFor(f *File) (Frames, error) {
	switch {
	case f.Method == zip64.Store:
		return x.stored, nil
	case x.frames == nil || x.frames.Method() != f.Method:
		return nil, errs.New(errs.Invalid, "%q is compressed with zip method %d (%s), which the compressor at hand is not",
			f.Path, f.Method, x.r.header.Artifact.Compressor)
	}
	return x.frames, nil
}

// cut calls yield with the packed and the content length of each frame.
func (x *extractor) cut(f *File, yield func(packed, size int64) error) error {
	frame := int64(x.r.header.FrameSize)
	left := f.Size
	if f.Method == zip64.Store {
		for ; left > 0; left -= frame {
			if err := yield(min(left, frame), min(left, frame)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, run := range f.Frames {
		for range run.Count {
			if err := yield(run.Length, min(left, frame)); err != nil {
				return err
			}
			left -= frame
		}
	}
	return nil
}
