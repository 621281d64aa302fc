package state

import (
	"encoding/hex"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/drydock-backup/drydock/agent/spool"
)

// chunkValue is the value of one chunk; its index is the key.
type chunkValue struct {
	Length int64  `json:"length"` // bytes
	SHA256 string `json:"sha256"` // hex
	Path   string `json:"path"`
}

func decodeChunk(key, data []byte) (spool.Chunk, error) {
	var v chunkValue
	index, err := keyIndex(key)
	if err != nil {
		return spool.Chunk{}, err
	}
	if err := decode(data, &v); err != nil {
		return spool.Chunk{}, err
	}
	c := spool.Chunk{Index: index, Length: v.Length, Path: v.Path}
	if n, err := hex.Decode(c.SHA256[:], []byte(v.SHA256[:min(len(v.SHA256), 64)])); err != nil || n != len(c.SHA256) ||
		len(v.SHA256) != 64 || v.Length <= 0 {
		return spool.Chunk{}, fmt.Errorf("decode chunk %d: length %d, digest %q", index, v.Length, v.SHA256)
	}
	return c, nil
}

// AddChunks records chunks of a run's artifact; a chunk that was recorded before is replaced.
func (s *Store) AddChunks(id string, chunks ...spool.Chunk) error {
	return s.update("record chunks", func(tx *bolt.Tx) error { return addChunks(tx, id, chunks) })
}

func addChunks(tx *bolt.Tx, id string, chunks []spool.Chunk) error {
	b, err := runSub(tx, id, bucketChunks)
	if err != nil {
		return err
	}
	for _, c := range chunks {
		v := chunkValue{Length: c.Length, SHA256: hex.EncodeToString(c.SHA256[:]), Path: c.Path}
		if err := put(b, string(indexKey(c.Index)), v); err != nil {
			return err
		}
	}
	return nil
}

// SetWhole records, in one transaction, that a run's artifact is complete: all of its chunks and what they make. Call
// it once what it says is true also after a power cut (spool.Spool.Sync).
func (s *Store) SetWhole(id string, a Artifact, chunks []spool.Chunk) error {
	return s.update("record artifact", func(tx *bolt.Tx) error {
		b, err := runBucket(tx, id)
		if err != nil {
			return err
		}
		r, err := decodeRun(b.Get([]byte(keyRun)))
		if err != nil {
			return err
		}
		a.Whole = true
		r.Artifact = &a
		return errors.Join(addChunks(tx, id, chunks), put(b, keyRun, r))
	})
}

// Chunks returns a run's recorded chunks by index.
func (s *Store) Chunks(id string) ([]spool.Chunk, error) {
	var all []spool.Chunk
	err := s.view("read chunks", func(tx *bolt.Tx) error {
		b, err := runSub(tx, id, bucketChunks)
		if err != nil {
			return err
		}
		return b.ForEach(func(k, v []byte) error {
			c, err := decodeChunk(k, v)
			all = append(all, c)
			return err
		})
	})
	return all, err
}
