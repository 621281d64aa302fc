package host

import (
	"context"
	"errors"
	"io"

	"github.com/drydock-backup/drydock/sdk/errs"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
)

const readSize = 256 << 10 // bytes that are copied at once from a provider to the reader

// ReadRange writes length bytes of the object from offset to w. The provider writes them into a pipe of ours, so memory
// use stays flat however long the range is.
func (s *store) ReadRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	p, err := newPipe(s.process.dir, s.process.pipes.Add(1))
	if err != nil {
		return errs.Wrap(errs.Permanent, err, "read %s", key)
	}
	defer p.remove()
	call, cancel := context.WithCancel(ctx)
	defer cancel()
	answer := make(chan error, 1)
	go func() { // ends with the call, which ends with its context
		r, err := s.rpc.ReadRange(call, &pb.ReadRangeRequest{Key: key, Offset: offset, Length: length, File: p.path})
		if err == nil && r.GetWritten() != length {
			err = errs.New(errs.Permanent, "read %s: the provider wrote %d bytes, not %d", key, r.GetWritten(), length)
		}
		p.finished(err)
		answer <- err
	}()
	n, writeErr := drain(w, io.LimitReader(p, length), length)
	if writeErr == nil && n == length {
		writeErr = p.end(key)
	}
	if writeErr != nil {
		cancel()
	}
	p.close()
	return s.readError(ctx, key, <-answer, writeErr, length-n)
}

// drain copies what comes: straight to where it belongs when w can read by itself, else through a buffer that is larger
// than io.Copy's own.
func drain(w io.Writer, r io.Reader, length int64) (int64, error) {
	if to, ok := w.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.CopyBuffer(w, struct{ io.Reader }{r}, make([]byte, min(readSize, max(length, 1))))
}

// readError picks the error that says what went wrong first.
func (s *store) readError(ctx context.Context, key string, callErr, writeErr error, missing int64) error {
	var classified *errs.Error
	switch {
	case writeErr != nil:
		return writeErr
	case errors.As(callErr, &classified):
		return callErr
	case callErr != nil:
		return s.process.callError(ctx, callErr)
	case missing != 0:
		return errs.New(errs.Permanent, "read %s: %d bytes did not arrive", key, missing)
	}
	return nil
}

// end waits until the provider has closed its side, which must not bring more bytes.
func (p *pipe) end(key string) error {
	if n, _ := p.Read(make([]byte, 1)); n > 0 {
		return errs.New(errs.Permanent, "read %s: the provider gives more bytes than were asked for", key)
	}
	return nil
}
