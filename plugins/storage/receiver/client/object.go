package client

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Check asks whether the client may write, and how much room there is.
func (s *Storage) Check(ctx context.Context) (storage.Capacity, error) {
	var got wire.Check
	err := s.call(ctx, http.MethodGet, wire.PathCheck, nil, nil, &got)
	if err != nil {
		return storage.Capacity{}, s.fail(err, "check")
	}
	return storage.Capacity{Free: max(got.Free, -1), Total: max(got.Total, -1)}, nil
}

// Stat describes an object.
func (s *Storage) Stat(ctx context.Context, key string) (storage.Object, error) {
	var got wire.Object
	if err := s.call(ctx, http.MethodGet, wire.PathObject, query("key", key), nil, &got); err != nil {
		return storage.Object{}, s.fail(err, "stat %q", key)
	}
	return storage.Object{Key: got.Key, Size: got.Size, Modified: got.Modified}, nil
}

// Delete removes an object, where the receiver allows that.
func (s *Storage) Delete(ctx context.Context, key string) error {
	return s.fail(s.call(ctx, http.MethodDelete, wire.PathObject, query("key", key), nil, nil), "delete %q", key)
}

// List calls yield for every object whose key starts with prefix.
func (s *Storage) List(ctx context.Context, prefix string, yield func(storage.Object) error) error {
	var stopped error
	err := s.lines(ctx, http.MethodGet, wire.PathObjects, query("prefix", prefix), nil, func(l wire.Line) error {
		if l.Object == nil {
			return errs.New(errs.Permanent, "understand the answer: not an object")
		}
		stopped = yield(storage.Object{Key: l.Object.Key, Size: l.Object.Size, Modified: l.Object.Modified})
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return s.fail(err, "list %q", prefix)
}

// Digest has the receiver digest a part of an object, read from its disk.
func (s *Storage) Digest(ctx context.Context, key string, offset, length int64) (sum [32]byte, err error) {
	found := false
	err = s.lines(ctx, http.MethodGet, wire.PathDigest, span(key, offset, length), nil, func(l wire.Line) (err error) {
		if l.Digest == nil {
			return errs.New(errs.Permanent, "understand the answer: not a digest")
		}
		found = true
		sum, err = wire.ParseSHA256(l.Digest.SHA256)
		return err
	})
	if err == nil && !found {
		err = errs.New(errs.Permanent, "understand the answer: no digest")
	}
	return sum, s.fail(err, "digest of %q", key)
}

// ReadRange writes a part of an object to w.
func (s *Storage) ReadRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	return s.fail(s.readRange(ctx, key, offset, length, w), "read %q", key)
}

func (s *Storage) readRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	x := s.exchange(ctx)
	defer x.end()
	answer, err := x.send(http.MethodGet, wire.PathContent, span(key, offset, length), nil, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.ContentLength != length {
		return errs.New(errs.Permanent, "the answer has %d bytes, not %d", answer.ContentLength, length)
	}
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	to := &writes{w: w}
	_, err = io.CopyBuffer(to, struct{ io.Reader }{moving{answer.Body, x}}, *buffer)
	if to.err != nil { // the caller's writer, not the connection
		return errs.Wrap(errs.Permanent, to.err, "pass the bytes on")
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errs.Wrap(errs.Transient, err, "the bytes stop")
	}
	return x.because(err)
}

// writes remembers that writing failed.
type writes struct {
	w   io.Writer
	err error
}

func (w *writes) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.err = err
	return n, err
}

// moving tells the watch that bytes come.
type moving struct {
	io.Reader
	x *exchange
}

func (m moving) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	m.x.moved()
	return n, err
}
