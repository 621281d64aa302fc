package archive_test

import (
	"bytes"
	"compress/flate"
	"context"
	"io"
	"testing"

	kflate "github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// codec turns one frame into another; frames is archive.Frames with codecs in this process.
type codec struct {
	method     uint16
	trailer    []byte
	compress   func(dst, src []byte) ([]byte, error)
	decompress func(dst, src []byte, size int) ([]byte, error)
}

type frames struct {
	codec
	size int
	free chan *slot
}

type slot struct {
	owner   *frames
	in, out []byte
}

func newFrames(tb testing.TB, name string, size, slots int) *frames {
	tb.Helper()
	f := &frames{codec: codecs(tb)[name], size: size, free: make(chan *slot, slots)}
	for range slots {
		f.free <- &slot{owner: f, in: make([]byte, size+size/8+1024)}
	}
	tb.Cleanup(func() {
		if len(f.free) != slots {
			tb.Errorf("%d of %d slots came back", len(f.free), slots)
		}
	})
	return f
}

func (f *frames) Method() uint16  { return f.method }
func (f *frames) Trailer() []byte { return f.trailer }
func (f *frames) FrameSize() int  { return f.size }

func (f *frames) Slot(ctx context.Context) (archive.Slot, error) {
	select {
	case s := <-f.free:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *slot) In() []byte { return s.in }
func (s *slot) Release()   { s.owner.free <- s }

func (s *slot) Compress(ctx context.Context, n int) (out []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.out, err = s.owner.compress(s.out[:0], s.in[:n])
	return s.out, err
}

func (s *slot) Decompress(ctx context.Context, n, size int) (out []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.out, err = s.owner.decompress(s.out[:0], s.in[:n], size)
	if err == nil && len(s.out) != size {
		err = errs.New(errs.Corrupt, "%d bytes instead of %d", len(s.out), size)
	}
	return s.out, errs.Wrap(errs.Corrupt, err, "decompress")
}

func codecs(tb testing.TB) map[string]codec {
	tb.Helper()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false),
		zstd.WithWindowSize(512<<10), zstd.WithSingleSegment(false))
	if err != nil {
		tb.Fatal(err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(16<<20))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(dec.Close)
	keep := func(dst, src []byte) ([]byte, error) { return append(dst, src...), nil }
	return map[string]codec{
		"store": {method: 0, compress: keep,
			decompress: func(dst, src []byte, _ int) ([]byte, error) { return append(dst, src...), nil }},
		"deflate": {method: 8, trailer: []byte{3, 0}, compress: deflate, decompress: inflate},
		"zstd": {method: 93,
			compress:   func(dst, src []byte) ([]byte, error) { return enc.EncodeAll(src, dst), nil },
			decompress: func(dst, src []byte, _ int) ([]byte, error) { return dec.DecodeAll(src, dst) }},
	}
}

func deflate(dst, src []byte) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	w, err := kflate.NewWriter(buf, 1)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(src); err != nil {
		return nil, err
	}
	err = w.Flush() // a frame ends with a sync flush
	return buf.Bytes(), err
}

func inflate(dst, src []byte, size int) ([]byte, error) {
	r := flate.NewReader(io.MultiReader(bytes.NewReader(src), bytes.NewReader([]byte{3, 0})))
	buf := bytes.NewBuffer(dst)
	_, err := io.Copy(buf, io.LimitReader(r, int64(size)+1))
	return buf.Bytes(), err
}
