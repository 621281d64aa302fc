package gcs

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	api "google.golang.org/api/storage/v1"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// PutChunk makes an object of the chunk.
func (s *Storage) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	return s.fail(ctx, s.put(ctx, token, c), "put chunk %d", c.Index)
}

func (s *Storage) put(ctx context.Context, token string, c storage.Chunk) error {
	t, err := cloud.ParseToken(token)
	if err != nil {
		return err
	}
	load := func() (int64, error) {
		_, n, err := s.find(ctx, token)
		return n, err
	}
	return s.uploads.Put(t, load, func(chunkSize int64) error { return s.send(ctx, t, c, chunkSize) })
}

// send sends one chunk.
func (s *Storage) send(ctx context.Context, t cloud.Token, c storage.Chunk, chunkSize int64) error {
	sum := crc32.New(s.table)
	source, err := cloud.OpenChunk(ctx, c, chunkSize, sum)
	if err != nil {
		return err
	}
	defer source.Close()
	crc := encodeSum(sum.Sum32())
	kept, err := s.insert(ctx, &api.Object{
		Name: s.dir(t) + chunkName(c.Index), StorageClass: "STANDARD", Crc32c: crc,
		Metadata: map[string]string{sha256Key: hex.EncodeToString(c.SHA256[:]), crc32cKey: crc},
	}, source, false)
	if err == nil && (kept.Crc32c != crc || kept.Size != uint64(c.Length)) {
		return errs.New(errs.Transient, "the service kept %d bytes with the checksum %s, not %d with %s",
			kept.Size, kept.Crc32c, c.Length, crc)
	}
	return err
}

// chunkName is the last element of a chunk's name. The service lists them in order of the index.
func chunkName(index int) string { return fmt.Sprintf("%010d", index) }

// chunk is a chunk that has arrived, and its object.
type chunk struct {
	storage.ChunkInfo
	object *api.Object
}

// arrived lists the chunks of an upload. One whose bytes are not those that were sent, by the service's own checksum of what
// it holds now, does not count.
func (s *Storage) arrived(ctx context.Context, t cloud.Token) ([]chunk, error) {
	var all []chunk
	err := s.each(ctx, s.dir(t), func(o *api.Object) error {
		name := strings.TrimPrefix(o.Name, s.dir(t))
		index, err := strconv.Atoi(name)
		sum, errSum := hex.DecodeString(o.Metadata[sha256Key])
		if err != nil || errSum != nil || chunkName(index) != name || len(sum) != 32 || o.Crc32c != o.Metadata[crc32cKey] {
			return nil
		}
		all = append(all, chunk{storage.ChunkInfo{Index: index, Length: int64(o.Size), SHA256: [32]byte(sum)}, o})
		return nil
	})
	slices.SortFunc(all, func(a, b chunk) int { return cmp.Compare(a.Index, b.Index) })
	return all, err
}

// ListChunks returns what the service's listing says.
func (s *Storage) ListChunks(ctx context.Context, token string) ([]storage.ChunkInfo, error) {
	t, _, err := s.find(ctx, token)
	if err != nil {
		return nil, s.fail(ctx, err, "list chunks")
	}
	chunks, err := s.arrived(ctx, t)
	return infos(chunks), s.fail(ctx, err, "list chunks of %q", t.Key)
}

func infos(chunks []chunk) []storage.ChunkInfo {
	list := []storage.ChunkInfo{}
	for _, c := range chunks {
		list = append(list, c.ChunkInfo)
	}
	return list
}
