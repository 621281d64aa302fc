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

// extractor reads entries with all cores and proves each against the manifest. add is called by one goroutine; finish by
// another, in the order of add, when an entry is through.
type extractor struct {
	r      *Reader
	frames Frames
	stored *stored
	block  []byte                 // some zeros
	zero   atomic.Pointer[[]byte] // a packed frame that is known to hold only zeros
	queue  chan *piece
	finish func(*target) error
	meter  *meter
}

const extractQueue = 128

func newExtractor(r *Reader, f Frames, m *meter, finish func(*target) error) (*extractor, error) {
	h := r.header
	if f != nil && f.Method() == h.Method && f.FrameSize() < h.FrameSize {
		return nil, errs.New(errs.Invalid, "the artifact has frames of %d bytes, the compressor was set up for %d",
			h.FrameSize, f.FrameSize())
	}
	m.TotalBytes, m.TotalFiles = h.Totals.Bytes, h.Totals.Files
	return &extractor{
		r: r, frames: f, stored: newStored(h.FrameSize, 2*runtime.GOMAXPROCS(0)), block: make([]byte, zeroBlock),
		queue: make(chan *piece, extractQueue), finish: finish, meter: m,
	}, nil
}

// run lets feed add entries, and returns when all are through or something failed.
func (x *extractor) run(ctx context.Context, feed func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(x.queue)
		if err := feed(ctx); err != nil {
			cancel(err)
		}
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

// through deals with a piece that is done, and with its entry after the last one.
func (x *extractor) through(p *piece) error {
	t := p.target
	if p.err != nil {
		if !errs.Is(p.err, errs.Corrupt) {
			return fmt.Errorf("%q: %w", t.Path, p.err)
		}
		t.fail(p.err.Error())
	}
	x.meter.Bytes, x.meter.Path = x.meter.Bytes+p.size, t.Path
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

// prove compares the digests.
func (t *target) prove(trailer []byte) {
	if t.Method != zip64.Store {
		t.sum.data(trailer)
	}
	switch {
	case t.sum.sum() != t.SHA256:
		t.fail("its SHA-256 differs from the manifest's")
	case t.sum.crc != t.CRC32:
		t.fail("its CRC-32 differs from the manifest's")
	case t.sum.packed != t.PackedCRC32:
		t.fail("its packed data was altered, though its content was not")
	}
}

// add starts to read an entry with content. It waits while all slots are taken.
func (x *extractor) add(ctx context.Context, t *target) error {
	t.sum = newDigest()
	if t.Size == 0 {
		p := &piece{target: t, last: true, done: make(chan struct{})}
		close(p.done)
		x.queue <- p
		return nil
	}
	frames, err := x.framesFor(&t.File)
	if err != nil {
		return err
	}
	from, off := t.Data, int64(0)
	var previous chan struct{}
	return x.cut(&t.File, func(packed, size int64) error {
		p := &piece{target: t, from: from, packed: packed, off: off, size: size, done: make(chan struct{})}
		from, off = from+packed, off+size
		p.last = off == t.Size
		if p.slot, err = frames.Slot(ctx); err != nil {
			return err
		}
		go p.run(ctx, x, previous)
		previous = p.done
		x.queue <- p
		return nil
	})
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
