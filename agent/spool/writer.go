package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// bufferSize is how many bytes small writes are gathered into. Larger writes go to the disk as they come.
const bufferSize = 512 << 10

// errClosed is what a Writer says after Finish or Abort.
var errClosed = errors.New("write to spool: writer is closed")

// Writer cuts a stream into chunk files. It is used by one goroutine at a time. The first error sticks: every later
// call returns it. Finish or Abort must be called, or a goroutine and a file stay behind.
type Writer struct {
	s         *Spool
	ctx       context.Context
	chunkSize int64
	emit      func(Chunk) error

	buf    []byte // gathered small writes; never more than bufferSize
	file   *os.File
	length int64 // bytes of the current chunk that are on the disk
	size   int64 // bytes of all complete chunks
	chunks []Chunk
	digest *digester
	err    error
	closed bool
}

// Writer returns a writer that cuts what is written to it into chunks of chunkSize bytes, and calls emit for each one
// as soon as it is complete, in order, from the goroutine that writes. An error of emit ends the writer. When the disk
// is full, writing waits for Remove (see InFlight and SpaceWait) and ends with errs.NoSpace when that does not help.
// ctx ends every wait.
func (s *Spool) Writer(ctx context.Context, chunkSize int64, emit func(Chunk) error) *Writer {
	w := &Writer{s: s, ctx: ctx, chunkSize: chunkSize, emit: emit, digest: newDigester()}
	if chunkSize <= 0 {
		w.err = errs.New(errs.Invalid, "write to spool: chunk size is %d bytes", chunkSize)
	}
	return w
}

// Write adds p to the stream. p is not used after Write returns.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	written := 0
	for len(p) > 0 {
		n := w.take(p)
		if w.err != nil {
			return written, w.err
		}
		written += n
		p = p[n:]
	}
	return written, nil
}

// take consumes some of p: into the buffer when it is small, straight to the disk when it is not.
func (w *Writer) take(p []byte) int {
	if len(w.buf) == 0 && len(p) >= bufferSize {
		return w.store(p)
	}
	if w.buf == nil {
		w.buf = make([]byte, 0, bufferSize)
	}
	n := min(len(p), cap(w.buf)-len(w.buf))
	w.buf = append(w.buf, p[:n]...)
	if len(w.buf) == cap(w.buf) {
		w.flush()
	}
	return n
}

func (w *Writer) flush() {
	for rest := w.buf; len(rest) > 0 && w.err == nil; {
		rest = rest[w.store(rest):]
	}
	w.buf = w.buf[:0]
}

// store puts as much of p as fits the current chunk on the disk, digesting it at the same time on another core. It
// returns how much that was; w.err is set when it failed.
func (w *Writer) store(p []byte) int {
	if w.err = w.openChunk(); w.err != nil {
		return 0
	}
	p = p[:min(int64(len(p)), w.chunkSize-w.length)]
	w.digest.start(p)
	w.err = w.write(p)
	w.digest.wait()
	w.length += int64(len(p))
	if w.err == nil && w.length == w.chunkSize {
		w.err = w.complete()
	}
	return len(p)
}

func (w *Writer) partPath() string {
	return strings.TrimSuffix(w.s.Path(len(w.chunks)), chunkSuffix) + partSuffix
}

// openChunk makes the file of the next chunk when there is none.
func (w *Writer) openChunk() error {
	if w.file != nil {
		return nil
	}
	return w.whenFull(w.chunkSize, func() error {
		f, err := os.OpenFile(w.partPath(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
		if err != nil {
			return err
		}
		w.file, w.length = f, 0
		return nil
	})
}

// write writes all of p, waiting for room where there is none.
func (w *Writer) write(p []byte) error {
	if err := w.ctx.Err(); err != nil {
		return fmt.Errorf("write to spool: %w", context.Cause(w.ctx))
	}
	rest := p
	return w.whenFull(w.chunkSize-w.length, func() error {
		n, err := w.file.Write(rest)
		rest = rest[n:]
		return err
	})
}

// complete closes the current chunk and hands it on.
func (w *Writer) complete() error {
	c := Chunk{Index: len(w.chunks), Length: w.length, SHA256: w.digest.sum(), Path: w.s.Path(len(w.chunks))}
	f := w.file
	w.file = nil
	if err := f.Close(); err != nil {
		return fmt.Errorf("write chunk %d to spool: %w", c.Index, err)
	}
	if err := fault.Around("spool.rename", func() error { return os.Rename(w.partPath(), c.Path) }); err != nil {
		return fmt.Errorf("write chunk %d to spool: %w", c.Index, err)
	}
	w.chunks = append(w.chunks, c)
	w.size += c.Length
	w.s.added(c.Index)
	return w.emit(c)
}

// whenFull calls f until it succeeds or fails for another reason than a full disk. Between two calls it waits for a
// chunk to be removed. needed is what the chunk may still take.
func (w *Writer) whenFull(needed int64, f func() error) error {
	for {
		freed := w.s.nextFreed() // before f, so that no removal goes unseen
		err := f()
		if err == nil {
			return nil
		}
		if !isDiskFull(err) {
			return fmt.Errorf("write chunk %d to spool: %w", len(w.chunks), err)
		}
		if why := w.awaitSpace(freed); why != "" {
			free, _ := w.s.Free() // 0 says enough when the file system cannot even be asked
			return noSpace(w.s.dir, len(w.chunks), needed, free, why, err)
		}
		if w.ctx.Err() != nil {
			return fmt.Errorf("write chunk %d to spool: %w", len(w.chunks), context.Cause(w.ctx))
		}
	}
}

// askAgain is how often a writer that waits for room asks whether there is still something to wait for: a target that
// has been given up removes nothing, and tells nobody here.
const askAgain = 500 * time.Millisecond

// awaitSpace waits until freed is closed or the context ends, and returns "". It returns the reason when waiting is of
// no use.
func (w *Writer) awaitSpace(freed <-chan struct{}) string {
	wait := w.s.SpaceWait
	if wait <= 0 {
		wait = DefaultSpaceWait
	}
	timer, again := time.NewTimer(wait), time.NewTicker(askAgain)
	defer timer.Stop()
	defer again.Stop()
	for {
		n := w.s.inFlight() // may itself remove chunks
		select {
		case <-freed:
			return ""
		default:
		}
		if n <= 0 {
			return "no chunk is on its way to a target"
		}
		select {
		case <-freed:
			return ""
		case <-w.ctx.Done():
			return ""
		case <-timer.C:
			return fmt.Sprintf("no target took one of the %d chunks on the disk within %s", n, wait)
		case <-again.C:
		}
	}
}

// Finish completes the last chunk and returns the artifact's size in bytes and all its chunks. An artifact of 0 bytes
// has none. After an error the unfinished chunk is gone, as after Abort.
func (w *Writer) Finish() (size int64, chunks []Chunk, err error) {
	if w.err == nil {
		w.flush()
	}
	if w.err == nil && w.file != nil {
		w.err = w.complete()
	}
	if err := w.err; err != nil {
		w.Abort()
		return 0, nil, err
	}
	w.close()
	return w.size, w.chunks, nil
}

// Abort drops the unfinished chunk. Complete chunks stay. Calling it after Finish does nothing.
func (w *Writer) Abort() {
	if w.closed {
		return
	}
	if w.file != nil {
		_ = w.file.Close()          // its bytes are not wanted
		_ = os.Remove(w.partPath()) // Destroy gets it otherwise
		w.file = nil
	}
	w.close()
}

func (w *Writer) close() {
	w.closed, w.buf = true, nil
	w.digest.stop()
	if w.err == nil {
		w.err = errClosed
	}
}
