package compress

import (
	"context"
	"io"
	"sync"

	"google.golang.org/grpc"

	"github.com/drydock-backup/drydock/sdk/errs"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
	"github.com/drydock-backup/drydock/sdk/internal/shm"
)

// server answers the protocol's compressor calls with a Compressor.
type server struct {
	pb.UnimplementedCompressorServer

	mu     sync.RWMutex // calls hold it for reading while they use the memory
	impl   Compressor   // nil until configured
	region *shm.Region  // nil: frames travel inside the messages
	in     int64        // bytes of an input area
	out    int64        // bytes of an output area
	slots  int64
}

func (s *server) register(r grpc.ServiceRegistrar) { pb.RegisterCompressorServer(r, s) }

// set takes the configured compressor.
func (s *server) set(impl Compressor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.impl = impl
}

// close leaves the memory mapped: the process ends, and a call that would not end may still use it.
func (s *server) close() error {
	s.mu.RLock()
	impl := s.impl
	s.mu.RUnlock()
	if c, ok := impl.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Open describes the compressor for a frame size.
func (s *server) Open(_ context.Context, r *pb.OpenRequest) (*pb.OpenResponse, error) {
	s.mu.RLock()
	impl := s.impl
	s.mu.RUnlock()
	switch {
	case impl == nil:
		return nil, errs.New(errs.Invalid, "the provider is not configured")
	case r.GetFrameSize() < 1 || r.GetFrameSize() > MaxFrame || r.GetSlots() < 1 || r.GetSlots() > 1024:
		return nil, errs.New(errs.Invalid, "%d frames of %d bytes are out of range", r.GetSlots(), r.GetFrameSize())
	}
	if l, ok := impl.(Limited); ok {
		l.SetConcurrency(int(r.GetSlots()))
	}
	return &pb.OpenResponse{
		Method: uint32(impl.Method()), Trailer: impl.Trailer(), Bound: int64(impl.Bound(int(r.GetFrameSize()))),
	}, nil
}

// Attach maps the memory that frames travel through.
func (s *server) Attach(_ context.Context, r *pb.AttachRequest) (*pb.AttachResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.region != nil {
		return nil, errs.New(errs.Invalid, "memory is attached already")
	}
	const most = 1 << 30
	if r.GetInSize() < 1 || r.GetInSize() > most || r.GetOutSize() < 1 || r.GetOutSize() > most ||
		r.GetSlots() < 1 || r.GetSlots() > 1024 {
		return nil, errs.New(errs.Invalid, "the layout of the shared memory is out of range")
	}
	region, err := shm.Open(r.GetFile(), int((r.GetInSize()+r.GetOutSize())*r.GetSlots()))
	if err != nil {
		return nil, errs.Wrap(errs.Unsupported, err, "attach frames")
	}
	s.region, s.in, s.out, s.slots = region, r.GetInSize(), r.GetOutSize(), r.GetSlots()
	return &pb.AttachResponse{}, nil
}

// Compress compresses one frame.
func (s *server) Compress(ctx context.Context, r *pb.CompressRequest) (*pb.CompressResponse, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	in, out, err := s.areas(r.GetSlot(), r.GetLength(), r.GetData())
	if err != nil {
		return nil, err
	}
	got, err := s.impl.Compress(out[:0], in)
	if err != nil {
		return nil, err
	}
	if s.region == nil {
		return &pb.CompressResponse{Length: int64(len(got)), Data: got}, nil
	}
	return &pb.CompressResponse{Length: int64(len(got))}, settle(out, got)
}

// Decompress is the way back.
func (s *server) Decompress(ctx context.Context, r *pb.DecompressRequest) (*pb.DecompressResponse, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	in, out, err := s.areas(r.GetSlot(), r.GetLength(), r.GetData())
	if err != nil {
		return nil, err
	}
	size := r.GetSize()
	if size < 0 || size > MaxFrame || (s.region != nil && size > s.out) {
		return nil, errs.New(errs.Invalid, "a frame of %d bytes is out of range", size)
	}
	got, err := s.impl.Decompress(out[:0], in, int(size))
	switch {
	case err != nil:
		return nil, err
	case int64(len(got)) != size:
		return nil, errs.New(errs.Corrupt, "decompress frame: %d bytes instead of %d", len(got), size)
	case s.region == nil:
		return &pb.DecompressResponse{Data: got}, nil
	}
	return &pb.DecompressResponse{}, settle(out, got)
}

// areas returns a slot's input, length bytes long, and its output. Without shared memory the input is data.
func (s *server) areas(slot, length int64, data []byte) (in, out []byte, err error) {
	switch {
	case s.impl == nil:
		return nil, nil, errs.New(errs.Invalid, "the provider is not configured")
	case s.region == nil:
		return data, nil, nil
	case slot < 0 || slot >= s.slots || length < 0 || length > s.in:
		return nil, nil, errs.New(errs.Invalid, "slot %d with %d bytes is out of range", slot, length)
	}
	start := slot * (s.in + s.out)
	memory := s.region.Bytes()[start : start+s.in+s.out]
	return memory[:length:length], memory[s.in : s.in+s.out : s.in+s.out], nil
}

// settle makes sure that the result is in the output area, also if the compressor returned memory of its own.
func settle(out, got []byte) error {
	if len(got) > len(out) {
		return errs.New(errs.Permanent, "the compressor made %d bytes, more than its bound of %d", len(got), len(out))
	}
	if len(got) > 0 && &got[0] != &out[0] {
		copy(out, got)
	}
	return nil
}
