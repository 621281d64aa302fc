package host

import "context"

// FrameOptions says how a compressor's frames are laid out.
type FrameOptions struct {
	FrameSize int // bytes of a whole frame before compression: 1 to compress.MaxFrame
	Slots     int // frames in the works at once; at least 1
}

// Frames are the frames of one compressor process.
type Frames struct{}

// Slot is room for one frame on its way through the compressor. It belongs to one goroutine until Release.
type Slot struct{}

// Method is the zip compression method of the frames.
func (f *Frames) Method() uint16 { return 0 }

// Trailer is what closes a file's stream after its last frame.
func (f *Frames) Trailer() []byte { return nil }

// FrameSize is the size of a whole frame in bytes before compression.
func (f *Frames) FrameSize() int { return 0 }

// Slot waits until a slot is free.
func (f *Frames) Slot(ctx context.Context) (*Slot, error) { return nil, ctx.Err() }

// Close gives the frames' memory back.
func (f *Frames) Close() error { return nil }

// In is the input area: the compressor's bound of FrameSize bytes, to be filled before Compress or Decompress.
func (s *Slot) In() []byte { return nil }

// Compress turns In()[:n] into a compressed frame, valid until Release.
func (s *Slot) Compress(ctx context.Context, n int) ([]byte, error) { return nil, ctx.Err() }

// Decompress turns In()[:n] back into size bytes, valid until Release.
func (s *Slot) Decompress(ctx context.Context, n, size int) ([]byte, error) { return nil, ctx.Err() }

// Release gives the slot back.
func (s *Slot) Release() {}
