package storage

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/drydock-backup/drydock/sdk/errs"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
)

const (
	page     = 512       // entries of a list in one message
	copySize = 256 << 10 // bytes that are copied at once from an object to the agent
)

// ListChunks streams the chunks that have arrived.
func (s *server) ListChunks(r *pb.ListChunksRequest, stream pb.Storage_ListChunksServer) error {
	impl, err := s.storage()
	if err != nil {
		return err
	}
	chunks, err := impl.ListChunks(stream.Context(), r.GetToken())
	if err != nil {
		return err
	}
	for len(chunks) > 0 {
		n := min(page, len(chunks))
		message := &pb.ListChunksResponse{}
		for _, c := range chunks[:n] {
			message.Chunks = append(message.Chunks, &pb.ChunkInfo{Index: int64(c.Index), Length: c.Length, Sha256: c.SHA256[:]})
		}
		if err := stream.Send(message); err != nil {
			return err
		}
		chunks = chunks[n:]
	}
	return nil
}

// List streams objects, a page at a time.
func (s *server) List(r *pb.ListRequest, stream pb.Storage_ListServer) error {
	impl, err := s.storage()
	if err != nil {
		return err
	}
	message := &pb.ListResponse{}
	err = impl.List(stream.Context(), r.GetPrefix(), func(o Object) error {
		message.Objects = append(message.Objects, toObject(o))
		if len(message.Objects) < page {
			return nil
		}
		err := stream.Send(message)
		message = &pb.ListResponse{}
		return err
	})
	if err != nil || len(message.Objects) == 0 {
		return err
	}
	return stream.Send(message)
}

// ReadRange writes bytes of an object into the pipe or file of the agent.
func (s *server) ReadRange(ctx context.Context, r *pb.ReadRangeRequest) (*pb.ReadRangeResponse, error) {
	impl, err := s.storage()
	if err != nil {
		return nil, err
	}
	if r.GetOffset() < 0 || r.GetLength() < 0 {
		return nil, errs.New(errs.Invalid, "read %s: negative range", r.GetKey())
	}
	f, err := os.OpenFile(r.GetFile(), os.O_WRONLY|openFlags, 0)
	if err != nil {
		return nil, fmt.Errorf("open the agent's pipe: %w", err)
	}
	w := &rangeWriter{to: f, left: r.GetLength(), buffers: &s.buffers}
	detach := context.AfterFunc(ctx, func() { _ = f.Close() }) // a writer that waits for the agent wakes up
	err = impl.ReadRange(ctx, r.GetKey(), r.GetOffset(), r.GetLength(), w)
	if detach() {
		if e := f.Close(); err == nil {
			err = e
		}
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	case w.left != 0:
		return nil, errs.New(errs.Permanent, "read %s: the provider gave %d bytes too few", r.GetKey(), w.left)
	}
	return &pb.ReadRangeResponse{Written: r.GetLength()}, nil
}

// rangeWriter passes at most left bytes on, in large pieces. It is a FileSender.
type rangeWriter struct {
	to      *os.File
	left    int64
	buffers *sync.Pool
}

// Write passes p on.
func (w *rangeWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > w.left {
		return 0, errs.New(errs.Permanent, "the provider gives more bytes than were asked for")
	}
	n, err := w.to.Write(p)
	w.left -= int64(n)
	return n, err
}

// SendFile passes n bytes of a file on, without a copy where the system can move its pages into the pipe.
func (w *rangeWriter) SendFile(f *os.File, offset, n int64) error {
	if n > w.left {
		return errs.New(errs.Permanent, "the provider gives more bytes than were asked for")
	}
	moved, err := movePages(w.to, f, offset, n)
	w.left -= moved
	if err != nil || moved == n {
		return err
	}
	copied, err := io.Copy(w, io.NewSectionReader(f, offset+moved, n-moved))
	if err == nil && moved+copied < n {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// ReadFrom lets io.Copy use a larger buffer than its own, which saves most of the system calls.
func (w *rangeWriter) ReadFrom(r io.Reader) (int64, error) {
	buffer, ok := w.buffers.Get().(*[]byte)
	if !ok {
		fresh := make([]byte, copySize)
		buffer = &fresh
	}
	defer w.buffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, *buffer)
}
