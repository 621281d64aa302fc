package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/drydock-backup/drydock/sdk/directio"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// bufferSize is how much is read, hashed and written at a time, and how often the context is looked at.
const bufferSize = 1 << 20

// source is where the bytes of a chunk come from: a file, or a stream that can be read once.
type source struct {
	file   *os.File
	stream io.Reader
}

// copy writes a chunk to the data file from offset at, and tells how far it has come.
func (s *Storage) copy(ctx context.Context, t target, src source, c storage.Chunk, at int64, written progress) error {
	reserved, err := directio.Reserve(t.data.File, at, c.Length)
	if err != nil {
		return err
	}
	w := writer{target: t, reserved: reserved, at: at, told: at, back: writeback{file: t.data.File, from: at}, written: written}
	if err := s.feed(ctx, t, src, c, w.write); err != nil {
		return err
	}
	if w.at > w.told {
		written.reach(w.at)
	}
	return nil
}

// feed calls f for the bytes of a chunk, a buffer at a time.
func (s *Storage) feed(ctx context.Context, t target, src source, c storage.Chunk, f func(b []byte) error) error {
	if src.stream != nil {
		return s.eachOf(ctx, src.stream, c.Length, f)
	}
	mapped, err := false, error(nil)
	if t.data.Bypasses() {
		mapped, err = eachMapped(ctx, src.file, c.FileOffset, c.Length, f)
	}
	if !mapped {
		err = s.each(ctx, src.file, c.FileOffset, c.Length, f)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errs.New(errs.Corrupt, "%s ends before the chunk does", c.File)
	}
	return err
}

// writer writes one chunk.
type writer struct {
	target
	reserved bool
	at       int64 // where the next bytes go
	told     int64 // how far written knows
	back     writeback
	written  progress
}

// write writes the next bytes, and tells of each part that is complete.
func (w *writer) write(b []byte) error {
	begin := w.at
	w.at += int64(len(b))
	if err := w.writeAt(b, begin); err != nil {
		return err
	}
	if w.at-w.told >= part {
		w.told = w.at
		w.written.reach(w.at)
	}
	return nil
}

// writeAt writes whole blocks straight to the disk where that is possible. Blocks of zeros become holes where the file
// system has them.
func (w *writer) writeAt(b []byte, begin int64) error {
	if w.reserved && zero(b) && discard(w.data.File, begin, int64(len(b))) {
		return nil
	}
	_, err := w.data.WriteAt(b, begin)
	if err == nil {
		w.back.written(w.at) // of what went past the page cache there is nothing left to write
	}
	return err
}

// zero reports whether b holds nothing but zeros.
func zero(b []byte) bool {
	return len(b) > 0 && b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1])
}

// eachOf calls f for length bytes of a stream, a buffer at a time. Errors of the stream come back as they are; a stream
// that ends before is io.ErrUnexpectedEOF.
func (s *Storage) eachOf(ctx context.Context, r io.Reader, length int64, f func(b []byte) error) error {
	buffer := s.buffers.Get()
	defer s.buffers.Put(buffer)
	for length > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buffer.Bytes[:min(length, bufferSize)]
		if _, err := io.ReadFull(r, b); errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
		if err := f(b); err != nil {
			return err
		}
		length -= int64(len(b))
	}
	return nil
}

// each calls f for the length bytes of a file from offset, a buffer at a time. A file that ends before is
// io.ErrUnexpectedEOF.
func (s *Storage) each(ctx context.Context, from io.ReaderAt, offset, length int64, f func(b []byte) error) error {
	buffer := s.buffers.Get()
	defer s.buffers.Put(buffer)
	for length > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buffer.Bytes[:min(length, bufferSize)]
		if n, err := from.ReadAt(b, offset); n < len(b) {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		if err := f(b); err != nil {
			return err
		}
		offset += int64(len(b))
		length -= int64(len(b))
	}
	return nil
}

// writeback starts writing to the disk what was written to the page cache, and keeps what is still on its way under a
// limit. So the flush at the end of a chunk is short, which keeps the cores busy and a cancelled call quick.
type writeback struct {
	file    *os.File
	from    int64 // write-back of what lies before was waited for
	started int64
}

// pending is how much may be on its way to the disk, in bytes.
const pending = 16 << 20

func (w *writeback) written(to int64) {
	w.started = max(w.started, w.from)
	startWriteback(w.file, w.started, to-w.started)
	w.started = to
	if to-w.from > pending {
		awaitWriteback(w.file, w.from, pending/2)
		w.from += pending / 2
	}
}
