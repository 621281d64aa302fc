package azure

import (
	"cmp"
	"context"
	"hash/crc64"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// crcPolynomial is that of the CRC-64 which the service compares (x-ms-content-crc64), in reversed bit order.
const crcPolynomial = 0x9A6C9329AC4BC9B5

// PutChunk stages one block.
func (s *Storage) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	return s.fail(ctx, s.put(ctx, token, c), "put chunk %d", c.Index)
}

func (s *Storage) put(ctx context.Context, token string, c storage.Chunk) error {
	t, err := cloud.ParseToken(token)
	if err != nil {
		return err
	}
	load := func() (int64, error) {
		_, up, err := s.find(ctx, token)
		return up.chunkSize, err
	}
	return s.uploads.Put(t, load, func(chunkSize int64) error { return s.send(ctx, t, c, chunkSize) })
}

// send sends one chunk.
func (s *Storage) send(ctx context.Context, t cloud.Token, c storage.Chunk, chunkSize int64) error {
	if c.Index >= maxChunks {
		return errs.New(errs.Invalid, "a blob has at most %d blocks; use a larger chunk size", maxChunks)
	}
	sum := crc64.New(s.table)
	source, err := cloud.OpenChunk(ctx, c, chunkSize, sum)
	if err != nil {
		return err
	}
	defer source.Close()
	if c.Length == 0 {
		return errs.New(errs.Invalid, "a chunk without bytes")
	}
	b := block{kind: chunkBlock, upload: t.ID, index: uint32(c.Index), sent: s.now(), sha256: c.SHA256}
	_, err = s.blob(t.Key).StageBlock(ctx, b.encode(), source, &blockblob.StageBlockOptions{
		TransactionalValidation: blob.TransferValidationTypeCRC64(sum.Sum64()), CPKScopeInfo: s.scope(),
	})
	return err
}

// ListChunks returns what the service's list of uncommitted blocks says.
func (s *Storage) ListChunks(ctx context.Context, token string) ([]storage.ChunkInfo, error) {
	_, up, err := s.find(ctx, token)
	if err != nil {
		return nil, s.fail(ctx, err, "list chunks")
	}
	list, _ := up.list()
	return list, nil
}

// list returns the chunks that count, in order, and the ids of their blocks.
func (s staged) list() ([]storage.ChunkInfo, []string) {
	chunks := make([]block, 0, len(s.chunks))
	for _, b := range s.chunks {
		chunks = append(chunks, b)
	}
	slices.SortFunc(chunks, func(a, b block) int { return cmp.Compare(a.index, b.index) })
	list, ids := []storage.ChunkInfo{}, []string{}
	for _, b := range chunks {
		list = append(list, storage.ChunkInfo{Index: int(b.index), Length: b.size, SHA256: b.sha256})
		ids = append(ids, b.id)
	}
	return list, ids
}
