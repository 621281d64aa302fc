package host

import (
	"context"
	"errors"
	"io"

	"github.com/drydock-backup/drydock/sdk/errs"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
	"github.com/drydock-backup/drydock/sdk/internal/wire"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// store is a storage provider in another process. Optional abilities are in types of their own, so that a type
// assertion on the result of Process.Storage tells the truth.
type store struct {
	process *Process
	rpc     pb.StorageClient
}

type (
	checker  struct{ *store }
	digester struct{ *store }

	storeChecker struct {
		*store
		checker
	}
	storeDigester struct {
		*store
		digester
	}
	storeBoth struct {
		*store
		checker
		digester
	}
)

func newStorage(p *Process) storage.Storage {
	s := &store{process: p, rpc: pb.NewStorageClient(p.conn)}
	check, digest := p.can(wire.CapabilityCheck), p.can(wire.CapabilityDigest)
	switch {
	case check && digest:
		return &storeBoth{s, checker{s}, digester{s}}
	case check:
		return &storeChecker{s, checker{s}}
	case digest:
		return &storeDigester{s, digester{s}}
	}
	return s
}

// ReadsBack implements storage.ReadBacker with what the provider said of itself.
func (s *store) ReadsBack() bool { return s.process.can(wire.CapabilityReadBack) }

// Holds implements storage.Holder with what the provider said of itself.
func (s *store) Holds() bool { return s.process.can(wire.CapabilityHold) }

// Hold keeps an object from being deleted.
func (s *store) Hold(ctx context.Context, key string, h storage.Hold) error {
	_, err := s.rpc.Hold(ctx, &pb.HoldRequest{Key: key, UntilUnixNano: wire.UnixNano(h.Until), Legal: h.Legal})
	return s.process.callError(ctx, err)
}

// Begin opens an upload.
func (s *store) Begin(ctx context.Context, up storage.Upload) (string, error) {
	r, err := s.rpc.Begin(ctx, &pb.BeginRequest{Key: up.Key, ChunkSize: up.ChunkSize})
	return r.GetToken(), s.process.callError(ctx, err)
}

// PutChunk stores one chunk.
func (s *store) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	_, err := s.rpc.PutChunk(ctx, &pb.PutChunkRequest{
		Token: token, Index: int64(c.Index), Length: c.Length, Sha256: c.SHA256[:], File: c.File, FileOffset: c.FileOffset,
	})
	return s.process.callError(ctx, err)
}

// ListChunks returns the chunks that have arrived.
func (s *store) ListChunks(ctx context.Context, token string) ([]storage.ChunkInfo, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.rpc.ListChunks(ctx, &pb.ListChunksRequest{Token: token})
	if err != nil {
		return nil, s.process.callError(ctx, err)
	}
	var chunks []storage.ChunkInfo
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return chunks, nil
		}
		if err != nil {
			return nil, s.process.callError(ctx, err)
		}
		for _, c := range r.GetChunks() {
			sum, err := digestOf(c.GetSha256())
			if err != nil {
				return nil, err
			}
			chunks = append(chunks, storage.ChunkInfo{Index: int(c.GetIndex()), Length: c.GetLength(), SHA256: sum})
		}
	}
}

// Commit makes the object visible.
func (s *store) Commit(ctx context.Context, token string, size int64) error {
	_, err := s.rpc.Commit(ctx, &pb.CommitRequest{Token: token, Size: size})
	return s.process.callError(ctx, err)
}

// Abort drops an upload.
func (s *store) Abort(ctx context.Context, token string) error {
	_, err := s.rpc.Abort(ctx, &pb.AbortRequest{Token: token})
	return s.process.callError(ctx, err)
}

// Stat describes one object.
func (s *store) Stat(ctx context.Context, key string) (storage.Object, error) {
	r, err := s.rpc.Stat(ctx, &pb.StatRequest{Key: key})
	if err != nil {
		return storage.Object{}, s.process.callError(ctx, err)
	}
	return fromObject(r.GetObject()), nil
}

// List calls yield for every object under prefix.
func (s *store) List(ctx context.Context, prefix string, yield func(storage.Object) error) error {
	call, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream when yield has had enough
	stream, err := s.rpc.List(call, &pb.ListRequest{Prefix: prefix})
	if err != nil {
		return s.process.callError(ctx, err)
	}
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return s.process.callError(ctx, err)
		}
		for _, o := range r.GetObjects() {
			if err := yield(fromObject(o)); err != nil {
				return err
			}
		}
	}
}

// Delete removes one object.
func (s *store) Delete(ctx context.Context, key string) error {
	_, err := s.rpc.Delete(ctx, &pb.DeleteRequest{Key: key})
	return s.process.callError(ctx, err)
}

// Check tries what a run will need.
func (c checker) Check(ctx context.Context) (storage.Capacity, error) {
	r, err := c.rpc.Check(ctx, &pb.CheckRequest{})
	return storage.Capacity{
		Free: r.GetFree(), Total: r.GetTotal(), Notes: r.GetNotes(),
		Limits: storage.Limits{
			MinChunk: r.GetMinChunk(), MaxChunk: r.GetMaxChunk(), MaxChunks: r.GetMaxChunks(), MaxObject: r.GetMaxObject(),
		},
	}, c.process.callError(ctx, err)
}

// Digest digests a part of an object at the provider.
func (d digester) Digest(ctx context.Context, key string, offset, length int64) ([32]byte, error) {
	r, err := d.rpc.Digest(ctx, &pb.DigestRequest{Key: key, Offset: offset, Length: length})
	if err != nil {
		return [32]byte{}, d.process.callError(ctx, err)
	}
	return digestOf(r.GetSha256())
}

func digestOf(sum []byte) ([32]byte, error) {
	if len(sum) != 32 {
		return [32]byte{}, errs.New(errs.Permanent, "the provider sent a digest of %d bytes", len(sum))
	}
	return [32]byte(sum), nil
}

func fromObject(o *pb.Object) storage.Object {
	return storage.Object{
		Key: o.GetKey(), Size: o.GetSize(), Modified: wire.Time(o.GetModifiedUnixNano()),
		Hold: storage.Hold{Until: wire.Time(o.GetHeldUntilUnixNano()), Legal: o.GetLegalHold()},
	}
}
