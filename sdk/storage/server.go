package storage

import (
	"context"
	"io"
	"math"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"

	"github.com/drydock-backup/drydock/sdk/errs"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
	"github.com/drydock-backup/drydock/sdk/internal/wire"
)

// server answers the protocol's storage calls with a Storage. Errors get their kind on the wire in package serve.
type server struct {
	pb.UnimplementedStorageServer
	impl    atomic.Pointer[Storage] // nil until configured
	buffers sync.Pool               // of *[]byte, for ReadRange
}

func (s *server) register(r grpc.ServiceRegistrar) { pb.RegisterStorageServer(r, s) }

// set takes the configured storage and returns its optional abilities.
func (s *server) set(impl Storage) []string {
	s.impl.Store(&impl)
	var capabilities []string
	if _, ok := impl.(Checker); ok {
		capabilities = append(capabilities, wire.CapabilityCheck)
	}
	if _, ok := impl.(Digester); ok {
		capabilities = append(capabilities, wire.CapabilityDigest)
	}
	if ReadsBack(impl) {
		capabilities = append(capabilities, wire.CapabilityReadBack)
	}
	if _, ok := HolderOf(impl); ok {
		capabilities = append(capabilities, wire.CapabilityHold)
	}
	return capabilities
}

func (s *server) close() error {
	if impl := s.impl.Load(); impl != nil {
		if c, ok := (*impl).(io.Closer); ok {
			return c.Close()
		}
	}
	return nil
}

func (s *server) storage() (Storage, error) {
	impl := s.impl.Load()
	if impl == nil {
		return nil, errs.New(errs.Invalid, "the provider is not configured")
	}
	return *impl, nil
}

// Begin opens an upload.
func (s *server) Begin(ctx context.Context, r *pb.BeginRequest) (*pb.BeginResponse, error) {
	impl, err := s.storage()
	if err != nil {
		return nil, err
	}
	token, err := impl.Begin(ctx, Upload{Key: r.GetKey(), ChunkSize: r.GetChunkSize()})
	return &pb.BeginResponse{Token: token}, err
}

// PutChunk stores one chunk.
func (s *server) PutChunk(ctx context.Context, r *pb.PutChunkRequest) (*pb.PutChunkResponse, error) {
	impl, err := s.storage()
	if err != nil {
		return nil, err
	}
	index := r.GetIndex()
	if index < 0 || index > math.MaxInt32 || r.GetLength() < 0 || r.GetFileOffset() < 0 || len(r.GetSha256()) != 32 {
		return nil, errs.New(errs.Invalid, "put chunk %d: a number is out of range or the digest has not 32 bytes", index)
	}
	return &pb.PutChunkResponse{}, impl.PutChunk(ctx, r.GetToken(), Chunk{
		Index: int(index), Length: r.GetLength(), SHA256: [32]byte(r.GetSha256()),
		File: r.GetFile(), FileOffset: r.GetFileOffset(),
	})
}

// Commit makes the object visible.
func (s *server) Commit(ctx context.Context, r *pb.CommitRequest) (*pb.CommitResponse, error) {
	impl, err := s.storage()
	if err != nil {
		return nil, err
	}
	return &pb.CommitResponse{}, impl.Commit(ctx, r.GetToken(), r.GetSize())
}

// Abort drops an upload.
func (s *server) Abort(ctx context.Context, r *pb.AbortRequest) (*pb.AbortResponse, error) {
	impl, err := s.storage()
	if err != nil {
		return nil, err
	}
	return &pb.AbortResponse{}, impl.Abort(ctx, r.GetToken())
}

// Stat describes one object.
func (s *server) Stat(ctx context.Context, r *pb.StatRequest) (*pb.StatResponse, error) {
	impl, err := s.storage()
	if err != nil {
		return nil, err
	}
	o, err := impl.Stat(ctx, r.GetKey())
	if err != nil {
		return nil, err
	}
	return &pb.StatResponse{Object: toObject(o)}, nil
}

// Delete removes one object.
func (s *server) Delete(ctx context.Context, r *pb.DeleteRequest) (*pb.DeleteResponse, error) {
	impl, err := s.storage()
	if err != nil {
		return nil, err
	}
	return &pb.DeleteResponse{}, impl.Delete(ctx, r.GetKey())
}

// Digest digests a part of an object.
func (s *server) Digest(ctx context.Context, r *pb.DigestRequest) (*pb.DigestResponse, error) {
	impl, err := s.storage()
	if err != nil {
		return nil, err
	}
	d, ok := impl.(Digester)
	if !ok {
		return nil, errs.New(errs.Unsupported, "this provider does not digest objects")
	}
	if r.GetOffset() < 0 || r.GetLength() < 0 {
		return nil, errs.New(errs.Invalid, "digest %s: negative range", r.GetKey())
	}
	sum, err := d.Digest(ctx, r.GetKey(), r.GetOffset(), r.GetLength())
	return &pb.DigestResponse{Sha256: sum[:]}, err
}

// Check tries what a run will need.
func (s *server) Check(ctx context.Context, _ *pb.CheckRequest) (*pb.CheckResponse, error) {
	impl, err := s.storage()
	if err != nil {
		return nil, err
	}
	c, ok := impl.(Checker)
	if !ok {
		return nil, errs.New(errs.Unsupported, "this provider has no check")
	}
	capacity, err := c.Check(ctx)
	limits := capacity.Limits
	return &pb.CheckResponse{
		Free: capacity.Free, Total: capacity.Total, Notes: capacity.Notes,
		MinChunk: limits.MinChunk, MaxChunk: limits.MaxChunk, MaxChunks: limits.MaxChunks, MaxObject: limits.MaxObject,
	}, err
}

// Hold keeps an object from being deleted.
func (s *server) Hold(ctx context.Context, r *pb.HoldRequest) (*pb.HoldResponse, error) {
	impl, err := s.storage()
	if err != nil {
		return nil, err
	}
	h, ok := HolderOf(impl)
	if !ok {
		return nil, errs.New(errs.Unsupported, "this provider does not hold objects as it is configured")
	}
	return &pb.HoldResponse{}, h.Hold(ctx, r.GetKey(), Hold{Until: wire.Time(r.GetUntilUnixNano()), Legal: r.GetLegal()})
}

func toObject(o Object) *pb.Object {
	return &pb.Object{
		Key: o.Key, Size: o.Size, ModifiedUnixNano: wire.UnixNano(o.Modified),
		HeldUntilUnixNano: wire.UnixNano(o.Hold.Until), LegalHold: o.Hold.Legal,
	}
}
