package compresstest

import (
	"context"
	"errors"
	"sync"

	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/host"
)

// What Spawned asks of the process.
const (
	spawnedFrame = 1 << 20 // bytes
	spawnedSlots = 4
)

// Spawned returns a subject that runs the compressor in a process of its own, one for each case, with the cases that
// concern the process.
func Spawned(binary func(t T) conformance.Binary, config map[string]any) Subject {
	var pid int // of the case that runs: cases run one after the other
	return Subject{
		MaxFrame: spawnedFrame,
		Process: &conformance.Provider{
			Binary: binary, Config: func(T) map[string]any { return config }, Use: use,
		},
		Open: func(t T) compress.Compressor {
			p := conformance.Start(t, binary(t), config)
			pid = p.PID()
			frames, err := p.Frames(t.Context(), host.FrameOptions{FrameSize: spawnedFrame, Slots: spawnedSlots})
			if err != nil {
				t.Fatalf("frames of the provider: %v", err)
			}
			t.Cleanup(func() {
				if err := frames.Close(); err != nil {
					t.Errorf("close the frames: %v", err)
				}
			})
			return &framed{ctx: t.Context(), frames: frames}
		},
		Memory: func(T) int64 { return conformance.Resident(pid) },
	}
}

// use takes some frames there and back, several at once.
func use(t T, p *host.Process) error {
	frames, err := p.Frames(t.Context(), host.FrameOptions{FrameSize: spawnedFrame, Slots: spawnedSlots})
	if err != nil {
		return err
	}
	c := &framed{ctx: t.Context(), frames: frames}
	failures := make([]error, 2*spawnedSlots)
	var work sync.WaitGroup
	for i := range failures {
		work.Go(func() {
			page := Pages(uint64(i), spawnedFrame/PageSize)
			packed, err := c.Compress(nil, page)
			if err == nil {
				_, err = c.Decompress(nil, packed, len(page))
			}
			failures[i] = err
		})
	}
	work.Wait()
	return errors.Join(errors.Join(failures...), frames.Close())
}

// framed makes a Compressor of the frames of a process.
type framed struct {
	ctx    context.Context // of the case: a Compressor's methods take none
	frames *host.Frames
}

func (c *framed) Method() uint16 { return c.frames.Method() }

func (c *framed) Trailer() []byte { return append([]byte(nil), c.frames.Trailer()...) }

// Bound is known for a whole frame: the room of a slot.
func (c *framed) Bound(int) int {
	slot, err := c.frames.Slot(c.ctx)
	if err != nil {
		return 0
	}
	defer slot.Release()
	return len(slot.In())
}

func (c *framed) Compress(dst, frame []byte) ([]byte, error) {
	return c.call(dst, frame, func(s *host.Slot) ([]byte, error) { return s.Compress(c.ctx, len(frame)) })
}

func (c *framed) Decompress(dst, frame []byte, size int) ([]byte, error) {
	return c.call(dst, frame, func(s *host.Slot) ([]byte, error) { return s.Decompress(c.ctx, len(frame), size) })
}

// call takes a frame through a slot.
func (c *framed) call(dst, frame []byte, work func(*host.Slot) ([]byte, error)) ([]byte, error) {
	slot, err := c.frames.Slot(c.ctx)
	if err != nil {
		return dst, err
	}
	defer slot.Release()
	if copy(slot.In(), frame) < len(frame) {
		return dst, errs.New(errs.Invalid, "a frame of %d bytes: a slot has room for %d", len(frame), len(slot.In()))
	}
	out, err := work(slot)
	return append(dst, out...), err
}
