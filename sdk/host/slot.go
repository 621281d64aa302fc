package host

import (
	"context"

	"github.com/drydock-backup/drydock/sdk/errs"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
	"github.com/drydock-backup/drydock/sdk/internal/wire"
)

// Slot is room for one frame on its way through the compressor. It belongs to one goroutine from Frames.Slot to Release;
// after Release neither it nor any slice of it may be touched.
type Slot struct {
	frames *Frames
	index  int64
	in     []byte
	shared []byte // output area; nil: inline
	held   bool
	lost   bool // a call did not come back: the provider may still use the memory
}

func (f *Frames) newSlot(i int) *Slot {
	s := &Slot{frames: f, index: int64(i)}
	if f.region == nil {
		s.in = make([]byte, f.bound)
		return s
	}
	memory := f.region.Bytes()[2*f.area*i:]
	s.in, s.shared = memory[:f.bound:f.bound], memory[f.area:2*f.area:2*f.area]
	return s
}

// In is the input area, to be filled before Compress or Decompress. It has room for a whole frame and for the
// compressor's bound of one, and holds whatever the slot's last user left.
func (s *Slot) In() []byte { return s.in }

// Compress turns In()[:n], at most FrameSize bytes, into a compressed frame, valid until Release. It returns soon after
// ctx has ended, also when the provider hangs.
func (s *Slot) Compress(ctx context.Context, n int) ([]byte, error) {
	if n < 0 || n > s.frames.options.FrameSize {
		return nil, errs.New(errs.Invalid, "compress a frame of %d bytes: the size is out of range", n)
	}
	r, err := s.frames.rpc.Compress(ctx, &pb.CompressRequest{Slot: s.index, Length: int64(n), Data: s.inline(n)})
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return s.result(r.GetData(), r.GetLength(), int64(s.frames.bound))
}

// Decompress turns In()[:n] back into size bytes, at most FrameSize, valid until Release. Damaged input is errs.Corrupt.
func (s *Slot) Decompress(ctx context.Context, n, size int) ([]byte, error) {
	if n < 0 || n > len(s.in) || size < 0 || size > s.frames.options.FrameSize {
		return nil, errs.New(errs.Invalid, "decompress %d bytes to %d: a size is out of range", n, size)
	}
	r, err := s.frames.rpc.Decompress(ctx, &pb.DecompressRequest{
		Slot: s.index, Length: int64(n), Size: int64(size), Data: s.inline(n),
	})
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return s.result(r.GetData(), int64(size), int64(size))
}

// inline returns the frame itself if it has to travel inside the message.
func (s *Slot) inline(n int) []byte {
	if s.shared != nil {
		return nil
	}
	return s.in[:n]
}

// result returns the n bytes that the provider says it made.
func (s *Slot) result(data []byte, n, most int64) ([]byte, error) {
	have := s.shared
	if s.shared == nil {
		have = data
	}
	if n < 0 || n > most || n > int64(len(have)) || (s.shared == nil && n != int64(len(data))) {
		return nil, errs.New(errs.Permanent, "compress plugin %q says that it made %d bytes; at most %d are possible",
			s.frames.process.command.Name, n, most)
	}
	return have[:n:n], nil
}

// failed gives an error its kind. If it is not the provider's own answer, the provider may still be at work, so the slot's
// memory is not used again.
func (s *Slot) failed(ctx context.Context, err error) error {
	s.lost = wire.Classified(err) == nil
	return s.frames.process.callError(ctx, err)
}

// Release gives the slot back. A second call does nothing.
func (s *Slot) Release() {
	f := s.frames
	f.mu.Lock()
	defer f.mu.Unlock()
	if !s.held {
		return
	}
	s.held = false
	f.out--
	_ = f.unmapLocked() // only after Close, which cannot report it any more
	if s.lost {
		if f.usable--; f.usable == 0 {
			f.ending.Do(func() { close(f.ended) })
		}
		return
	}
	f.free <- s // has room for every slot
}
