package ship

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Object is a stored object that is read as if it were a local file: the mirror image of a shipment. A read asks the
// target for just the range that its caller wants, with the retries of its Options, so memory is bounded by the caller.
// It is safe for concurrent use.
type Object struct {
	ctx  context.Context
	t    Target
	key  string
	size int64
	o    Options
	read atomic.Int64
}

// Open finds an object at a target. ctx ends its reads. Of o it uses Retry and Log.
func Open(ctx context.Context, t Target, key string, o Options) (*Object, error) {
	o = o.withDefaults()
	var info storage.Object
	err := o.call(ctx, t, "stat "+key, 0, func(ctx context.Context) (err error) {
		info, err = t.Storage.Stat(ctx, key)
		return err
	})
	if err != nil {
		return nil, targetError(t, "find "+key, err)
	}
	return &Object{ctx: ctx, t: t, key: key, size: info.Size, o: o}, nil
}

// Fetched returns how many bytes of the object the target was asked for so far, those of repeated tries as well.
func (b *Object) Fetched() int64 { return b.read.Load() }

// Size returns the object's length in bytes.
func (b *Object) Size() int64 { return b.size }

// ReadAt implements io.ReaderAt.
func (b *Object) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errs.New(errs.Invalid, "read %s: negative offset %d", b.key, off)
	}
	n := int(min(int64(len(p)), max(0, b.size-off)))
	if n > 0 {
		if err := b.fill(p[:n], off); err != nil {
			return 0, targetError(b.t, fmt.Sprintf("read %d bytes of %s at %d", n, b.key, off), err)
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// fill reads exactly len(p) bytes, from the start again after each passing failure.
func (b *Object) fill(p []byte, off int64) error {
	return b.o.call(b.ctx, b.t, "read "+b.key, int64(len(p)), func(ctx context.Context) error {
		w := filler{buf: p}
		b.read.Add(int64(len(p)))
		if err := b.t.Storage.ReadRange(ctx, b.key, off, int64(len(p)), &w); err != nil {
			return err
		}
		if w.n != len(p) {
			return errs.New(errs.Corrupt, "%d bytes came instead of %d", w.n, len(p))
		}
		return nil
	})
}

// filler is a writer onto a buffer of fixed length.
type filler struct {
	buf []byte
	n   int
}

func (f *filler) Write(b []byte) (int, error) {
	n := copy(f.buf[f.n:], b)
	f.n += n
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// ReadFrom fills the buffer without another one in between.
func (f *filler) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.ReadFull(r, f.buf[f.n:])
	f.n += n
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // who asked for more sees that by itself
	}
	return int64(n), err
}
