package archive

import (
	"context"

	"github.com/drydock-backup/drydock/agent/archive/zip64"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// stored is Frames for content that is kept as it is: it needs no compressor.
type stored struct {
	size int
	free chan *storedSlot // nil stands for one that has no memory yet
}

type storedSlot struct {
	owner *stored
	buf   []byte
}

func newStored(frameSize, slots int) *stored {
	s := &stored{size: frameSize, free: make(chan *storedSlot, slots)}
	for range slots {
		s.free <- nil
	}
	return s
}

func (s *stored) Method() uint16  { return zip64.Store }
func (s *stored) Trailer() []byte { return nil }
func (s *stored) FrameSize() int  { return s.size }

func (s *stored) Slot(ctx context.Context) (Slot, error) {
	select {
	case slot := <-s.free:
		if slot == nil {
			slot = &storedSlot{owner: s, buf: make([]byte, s.size)}
		}
		return slot, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *storedSlot) In() []byte { return s.buf }

func (s *storedSlot) Compress(_ context.Context, n int) ([]byte, error) { return s.buf[:n], nil }

func (s *storedSlot) Decompress(_ context.Context, n, size int) ([]byte, error) {
	if n != size {
		return nil, errs.New(errs.Corrupt, "%d stored bytes instead of %d", n, size)
	}
	return s.buf[:n], nil
}

func (s *storedSlot) Release() { s.owner.free <- s }
