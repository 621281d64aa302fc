package host

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/errs"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
	"github.com/drydock-backup/drydock/sdk/internal/shm"
)

// FrameOptions says how a compressor's frames are laid out.
type FrameOptions struct {
	FrameSize int // bytes of a whole frame before compression: 1 to compress.MaxFrame
	Slots     int // frames in the works at once, and so the compressor's concurrency: 1 to 1024

	StopOnClose bool // Frames.Close also stops the process
	Inline      bool // no shared memory: frames travel inside the messages. For tests and comparisons
}

// Frames are the frames of one compressor process. Memory is Slots × 2 × the compressor's bound of FrameSize, shared with
// the process. Methods may be called from several goroutines at once.
type Frames struct {
	process *Process
	rpc     pb.CompressorClient
	options FrameOptions
	method  uint16
	trailer []byte
	area    int // bytes of an input area, and of an output area
	bound   int

	region *shm.Region // nil: inline
	free   chan *Slot

	mu     sync.Mutex
	out    int           // slots that callers hold
	usable int           // slots that are not lost
	closed bool          // Close was called
	ended  chan struct{} // closed by Close, or when no slot is left
	ending sync.Once
}

// Frames opens the configured compressor for frames. It may be called once.
func (p *Process) Frames(ctx context.Context, o FrameOptions) (*Frames, error) {
	if err := p.is(compress.Kind); err != nil {
		return nil, err
	}
	if o.FrameSize < 1 || o.FrameSize > compress.MaxFrame || o.Slots < 1 || o.Slots > 1024 {
		return nil, errs.New(errs.Invalid, "%d frames of %d bytes are out of range", o.Slots, o.FrameSize)
	}
	ctx, cancel := withDefault(ctx, callTimeout)
	defer cancel()
	f := &Frames{
		process: p, rpc: pb.NewCompressorClient(p.conn), options: o, usable: o.Slots,
		free: make(chan *Slot, o.Slots), ended: make(chan struct{}),
	}
	if err := f.open(ctx); err != nil {
		return nil, fmt.Errorf("open compress provider %q: %w", p.command.Name, err)
	}
	if err := f.attach(ctx); err != nil {
		return nil, fmt.Errorf("share memory with compress provider %q: %w", p.command.Name, err)
	}
	for i := range o.Slots {
		f.free <- f.newSlot(i)
	}
	return f, nil
}

// open learns the zip method and how large results can be.
func (f *Frames) open(ctx context.Context) error {
	r, err := f.rpc.Open(ctx, &pb.OpenRequest{FrameSize: int64(f.options.FrameSize), Slots: int64(f.options.Slots)})
	if err != nil {
		return f.process.callError(ctx, err)
	}
	most := int64(2*f.options.FrameSize + shm.Align)
	if r.GetBound() < 1 || r.GetBound() > most || r.GetMethod() > 0xffff {
		return errs.New(errs.Permanent, "bound %d or zip method %d is out of range", r.GetBound(), r.GetMethod())
	}
	f.method, f.trailer = uint16(r.GetMethod()), r.GetTrailer()
	f.bound = max(int(r.GetBound()), f.options.FrameSize)
	f.area = shm.RoundUp(f.bound)
	return nil
}

// attach makes memory that the provider can map: a memfd, else a file in our private directory, else none.
func (f *Frames) attach(ctx context.Context) error {
	if f.options.Inline {
		return nil
	}
	size := 2 * f.area * f.options.Slots
	file := func(n int) (*shm.Region, error) { return shm.CreateFile(f.process.dir, n) }
	for _, create := range []func(int) (*shm.Region, error){shm.Create, file} {
		region, err := create(size)
		if err != nil {
			f.process.command.Log.Debug("no shared memory", "error", err)
			continue
		}
		err = f.offer(ctx, region)
		if err == nil {
			f.region = region
			return region.Unlink()
		}
		err = errors.Join(err, region.Close())
		if !errs.Is(err, errs.Unsupported) {
			return err
		}
		f.process.command.Log.Debug("plugin cannot share memory", "error", err)
	}
	return nil
}

func (f *Frames) offer(ctx context.Context, r *shm.Region) error {
	_, err := f.rpc.Attach(ctx, &pb.AttachRequest{
		File: r.Path(), InSize: int64(f.area), OutSize: int64(f.area), Slots: int64(f.options.Slots),
	})
	return f.process.callError(ctx, err)
}

// Method is the zip compression method of the frames.
func (f *Frames) Method() uint16 { return f.method }

// Trailer is what closes a file's stream after its last frame; it must not be changed.
func (f *Frames) Trailer() []byte { return f.trailer }

// FrameSize is the size of a whole frame in bytes before compression.
func (f *Frames) FrameSize() int { return f.options.FrameSize }

// Shared reports whether frames lie in shared memory.
func (f *Frames) Shared() bool { return f.region != nil }

// Slot waits until a slot is free. It fails when ctx ends, after Close, and when the process has died.
func (f *Frames) Slot(ctx context.Context) (*Slot, error) {
	select {
	case <-f.process.done:
		return nil, f.process.gone()
	default:
	}
	select {
	case s := <-f.free:
		return f.take(s)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-f.process.done:
		return nil, f.process.gone()
	case <-f.ended:
		return nil, f.endError()
	}
}

func (f *Frames) take(s *Slot) (*Slot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errs.New(errs.Permanent, "frames are closed")
	}
	f.out++
	s.held = true
	return s, nil
}

func (f *Frames) endError() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return errs.New(errs.Permanent, "frames are closed")
	}
	select {
	case <-f.process.done:
		return f.process.gone()
	default:
	}
	return errs.New(errs.Transient, "compress plugin %q hangs in every slot", f.process.command.Name)
}

// Close gives the memory back, as soon as every slot is released, and stops the process if the options say so. It may be
// called twice.
func (f *Frames) Close() error {
	f.mu.Lock()
	first := !f.closed
	f.closed = true
	f.mu.Unlock()
	if !first {
		return nil
	}
	f.ending.Do(func() { close(f.ended) })
	var err error
	if f.options.StopOnClose {
		ctx, cancel := context.WithTimeout(context.Background(), askWait+exitWait)
		defer cancel()
		err = f.process.Stop(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(err, f.unmapLocked())
}

// unmapLocked unmaps the memory once nobody can touch it any more.
func (f *Frames) unmapLocked() error {
	if !f.closed || f.out > 0 || f.region == nil {
		return nil
	}
	region := f.region
	f.region = nil
	return region.Close()
}
