package zstd

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"

	kzstd "github.com/klauspost/compress/zstd"

	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// Method is zip's number for Zstandard entries (APPNOTE 6.3.8).
const Method = 93

// The largest block of a Zstandard frame, and what a block and a frame cost when nothing can be compressed (RFC 8878,
// 3.1.1): a header of 3 bytes for each block; magic number, frame header and an empty last block for the frame. Level
// fastest cuts blocks of half the size.
const (
	minBlock      = 64 << 10
	blockOverhead = 3
	frameOverhead = 32
)

// Config is the provider's configuration.
type Config struct {
	Level string `hcl:"level,optional" default:"fastest" oneof:"fastest|default|better|best" doc:"How hard to try. Each step makes the backup a little smaller and takes several times as long; MySQL is down meanwhile."`
}

// Provider returns the compressor "zstd".
func Provider() compress.Provider {
	return compress.NewProvider("zstd", "1.0.0",
		"Compresses with Zstandard, on all cores. 7-Zip and bsdtar read the result; Info-ZIP's unzip does not.",
		func(_ context.Context, cfg *Config) (compress.Compressor, error) { return New(cfg.Level) })
}

// Compressor compresses frames with Zstandard. As many frames are worked on at once as SetConcurrency said, or as there
// are cores; further calls wait for their turn. It is safe for concurrent use.
type Compressor struct {
	level  kzstd.EncoderLevel
	window int
	codec  atomic.Pointer[codec]
}

type codec struct {
	enc *kzstd.Encoder
	dec *kzstd.Decoder
}

// The compiler holds the optional ability.
var _ compress.Limited = (*Compressor)(nil)

// New returns a compressor of the level fastest, default, better or best. Another level is an error that points at the
// attribute "level".
func New(level string) (*Compressor, error) {
	l, window := levelOf(level)
	if window == 0 {
		return nil, schema.Invalid("level", "unknown level", "Allowed: fastest, default, better, best.")
	}
	c := &Compressor{level: l, window: window}
	made, err := c.newCodec(runtime.GOMAXPROCS(0))
	c.codec.Store(made)
	return c, err
}

// newCodec makes the library's encoder and decoder for n frames at once. What a frame needs is allocated on first use.
func (c *Compressor) newCodec(n int) (*codec, error) {
	enc, err := kzstd.NewWriter(nil,
		kzstd.WithWindowSize(c.window), // before the level, which halves the blocks of a window of its own choice
		kzstd.WithEncoderLevel(c.level),
		kzstd.WithEncoderConcurrency(n),
		kzstd.WithEncoderCRC(false),
		kzstd.WithLowerEncoderMem(c.level != kzstd.SpeedFastest),
	)
	if err != nil {
		return nil, errs.Wrap(errs.Permanent, err, "prepare zstd encoder")
	}
	dec, err := kzstd.NewReader(nil,
		kzstd.WithDecoderConcurrency(n),
		kzstd.WithDecoderLowmem(true),
		kzstd.WithDecoderMaxMemory(compress.MaxFrame),
		kzstd.WithDecodeAllCapLimit(true),
	)
	if err != nil {
		return nil, errs.Wrap(errs.Permanent, err, "prepare zstd decoder")
	}
	return &codec{enc: enc, dec: dec}, nil
}

// SetConcurrency sets how many frames are worked on at once, and so how much memory is needed. It is for the time before
// the first frame. More than there are cores would only push each other's tables out of the caches.
func (c *Compressor) SetConcurrency(n int) {
	n = min(max(n, 1), runtime.GOMAXPROCS(0))
	if made, err := c.newCodec(n); err == nil { // cannot fail: the same options worked before
		c.codec.Store(made)
	}
}

// levelOf returns the library's level and the window in bytes that measured best for it; 0 for an unknown level.
func levelOf(level string) (l kzstd.EncoderLevel, window int) {
	switch level {
	case "fastest":
		return kzstd.SpeedFastest, 1 << 20
	case "default":
		return kzstd.SpeedDefault, 4 << 20
	case "better":
		return kzstd.SpeedBetterCompression, 4 << 20
	case "best":
		return kzstd.SpeedBestCompression, 512 << 10
	}
	return 0, 0
}

// Method is 93, Zstandard.
func (c *Compressor) Method() uint16 { return Method }

// Bound is n and the headers of a frame whose blocks are stored as they are.
func (c *Compressor) Bound(n int) int { return n + (n/minBlock+1)*blockOverhead + frameOverhead }

// Trailer is empty: Zstandard frames need none.
func (c *Compressor) Trailer() []byte { return nil }

// Compress appends the frame to dst as one Zstandard frame. A frame that is empty or longer than compress.MaxFrame is
// errs.Invalid.
func (c *Compressor) Compress(dst, frame []byte) ([]byte, error) {
	if len(frame) == 0 || len(frame) > compress.MaxFrame {
		return dst, errs.New(errs.Invalid, "compress a frame of %d bytes: not 1 to %d", len(frame), compress.MaxFrame)
	}
	dst = slices.Grow(dst, c.Bound(len(frame)))
	return c.codec.Load().enc.EncodeAll(frame, dst), nil
}

// Decompress appends the size bytes of a frame to dst. The library is given room for size bytes and no more, so a frame
// that lies about its size cannot make it allocate.
func (c *Compressor) Decompress(dst, frame []byte, size int) ([]byte, error) {
	if size < 1 || size > compress.MaxFrame {
		return dst, errs.New(errs.Invalid, "decompress a frame of %d bytes: not 1 to %d", size, compress.MaxFrame)
	}
	dst = slices.Grow(dst, size)
	room := dst[len(dst) : len(dst) : len(dst)+size]
	got, err := c.codec.Load().dec.DecodeAll(frame, room)
	if err != nil {
		return dst, errs.Wrap(errs.Corrupt, err, "decompress zstd frame")
	}
	if len(got) != size {
		return dst, errs.New(errs.Corrupt, "decompress zstd frame: %d bytes instead of %d", len(got), size)
	}
	return dst[:len(dst)+size], nil
}

// Close ends the library's workers.
func (c *Compressor) Close() error {
	codec := c.codec.Load()
	codec.dec.Close()
	return codec.enc.Close()
}
