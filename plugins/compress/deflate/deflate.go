// Package deflate is the compressor whose result every zip program opens (zip method 8, RFC 1951), through
// github.com/klauspost/compress.
//
// A Deflate stream is a row of blocks, each free to refer to the 32 KiB before it, and its last block is marked. To make
// frames independent, each frame starts without history and ends with a sync flush: an empty stored block
// (00 00 FF FF), after which the stream stands on a byte boundary and no block was marked as the last. So frames can be
// put one after the other, and the trailer, an empty block that is marked as the last (03 00), closes the stream.
package deflate

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/flate"

	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// Method is zip's number for Deflate entries.
const Method = 8

// Config is the provider's configuration.
type Config struct {
	Level string `hcl:"level,optional" default:"fastest" oneof:"fastest|default|best" doc:"How hard to try. Each step makes the backup a little smaller and takes several times as long; MySQL is down meanwhile."`
}

// Provider returns the compressor "deflate".
func Provider() compress.Provider {
	return compress.NewProvider("deflate", "1.0.0",
		"Compresses with Deflate, on all cores. Every zip program reads the result; zstd is faster and smaller.",
		func(_ context.Context, cfg *Config) (compress.Compressor, error) { return New(cfg.Level) })
}

// Compressor compresses frames with Deflate. As many frames are compressed at once as SetConcurrency said, or as
// there are cores; further calls wait for their turn. It is safe for concurrent use.
type Compressor struct {
	level   int
	writers atomic.Pointer[chan *flate.Writer] // idle ones; nil entries are made on first use
	readers sync.Pool                          // of flate's readers
}

// The compiler holds the optional ability.
var _ compress.Limited = (*Compressor)(nil)

// New returns a compressor of the level fastest, default or best. Another level is an error that points at the attribute
// "level".
func New(level string) (*Compressor, error) {
	n, ok := map[string]int{"fastest": flate.BestSpeed, "default": 6, "best": flate.BestCompression}[level]
	if !ok {
		return nil, schema.Invalid("level", "unknown level", "Allowed: fastest, default, best.")
	}
	c := &Compressor{level: n}
	c.SetConcurrency(runtime.GOMAXPROCS(0))
	return c, nil
}

// SetConcurrency sets how many frames are compressed at once, and so how much memory is needed. It is for the time before
// the first frame.
func (c *Compressor) SetConcurrency(n int) {
	writers := make(chan *flate.Writer, max(n, 1))
	for range cap(writers) {
		writers <- nil
	}
	c.writers.Store(&writers)
}

// Method is 8, Deflate.
func (c *Compressor) Method() uint16 { return Method }

// Bound is n, a header for each stored block, and the flush at the end of the frame.
func (c *Compressor) Bound(n int) int { return n + n>>10 + 64 }

// Trailer is an empty block with fixed codes that is marked as the stream's last.
func (c *Compressor) Trailer() []byte { return []byte{0x03, 0x00} }

// flushed is how a sync flush ends: length and inverted length of an empty stored block.
const flushed = "\x00\x00\xff\xff"

// Compress appends the frame to dst as blocks that end with a sync flush. A frame that is empty or longer than
// compress.MaxFrame is errs.Invalid.
func (c *Compressor) Compress(dst, frame []byte) ([]byte, error) {
	if len(frame) == 0 || len(frame) > compress.MaxFrame {
		return dst, errs.New(errs.Invalid, "compress a frame of %d bytes: not 1 to %d", len(frame), compress.MaxFrame)
	}
	out := bytes.NewBuffer(slices.Grow(dst, c.Bound(len(frame))))
	writers := *c.writers.Load()
	w := <-writers
	defer func() { writers <- w }()
	if w == nil {
		var err error
		if w, err = flate.NewWriter(out, c.level); err != nil {
			return dst, errs.Wrap(errs.Permanent, err, "prepare deflate encoder")
		}
	}
	w.Reset(out)
	if _, err := w.Write(frame); err != nil {
		return dst, errs.Wrap(errs.Permanent, err, "compress deflate frame")
	}
	if err := w.Flush(); err != nil {
		return dst, errs.Wrap(errs.Permanent, err, "compress deflate frame")
	}
	return out.Bytes(), nil
}

// Decompress appends the size bytes of a frame to dst.
func (c *Compressor) Decompress(dst, frame []byte, size int) ([]byte, error) {
	if size < 1 || size > compress.MaxFrame {
		return dst, errs.New(errs.Invalid, "decompress a frame of %d bytes: not 1 to %d", size, compress.MaxFrame)
	}
	if !bytes.HasSuffix(frame, []byte(flushed)) {
		return dst, errs.New(errs.Corrupt, "decompress deflate frame: it is cut off")
	}
	dst = slices.Grow(dst, size)
	if err := c.inflate(dst[len(dst):len(dst)+size], bytes.NewReader(frame)); err != nil {
		return dst, errs.Wrap(errs.Corrupt, err, "decompress deflate frame of %d bytes", size)
	}
	return dst[:len(dst)+size], nil
}

// inflate fills out from a frame, and makes sure that there is nothing more in it. A frame marks no block as the last, so
// what follows its flush is an unexpected end, at the very end of the input.
func (c *Compressor) inflate(out []byte, in *bytes.Reader) error {
	r, ok := c.readers.Get().(io.ReadCloser)
	if !ok {
		r = flate.NewReader(in)
	} else if err := r.(flate.Resetter).Reset(in, nil); err != nil {
		return err
	}
	defer c.readers.Put(r)
	if _, err := io.ReadFull(r, out); err != nil {
		return err
	}
	var more [1]byte
	switch n, err := r.Read(more[:]); {
	case n > 0:
		return errors.New("it holds more bytes")
	case errors.Is(err, io.EOF):
		return errors.New("it ends the stream")
	case !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case in.Len() > 0:
		return errors.New("bytes follow its flush")
	}
	return nil
}
