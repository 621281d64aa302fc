package file

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// ListChunks reads every chunk that has arrived again and returns the digest of what is there now.
func (s *Storage) ListChunks(ctx context.Context, token string) ([]storage.ChunkInfo, error) {
	list := []storage.ChunkInfo{}
	err := s.EachChunk(ctx, token, func(c storage.ChunkInfo) error {
		list = append(list, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// EachChunk is ListChunks for a caller that wants to see each chunk as soon as it was read, until yield returns an error.
func (s *Storage) EachChunk(ctx context.Context, token string, yield func(storage.ChunkInfo) error) error {
	return s.fail(s.eachChunk(ctx, token, yield), "list chunks of upload %s", token)
}

func (s *Storage) eachChunk(ctx context.Context, token string, yield func(storage.ChunkInfo) error) error {
	root, m, err := s.meta(token)
	if err != nil {
		return err
	}
	t, err := openTarget(root, token)
	if err != nil {
		return err
	}
	defer t.close()
	u := s.upload(token)
	return eachRecord(ctx, t.chunks, func(r record) error {
		sum, err := s.digest(ctx, t.data.File, r.index*m.ChunkSize, r.length)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // the file was cut off: the chunk is gone
		}
		if err != nil {
			return err
		}
		u.prove(int(r.index), sum == r.sha256)
		return yield(storage.ChunkInfo{Index: int(r.index), Length: r.length, SHA256: sum})
	})
}

// digest returns the SHA-256 of a part of a file.
func (s *Storage) digest(ctx context.Context, from io.ReaderAt, offset, length int64) ([32]byte, error) {
	h := sha256.New()
	err := s.each(ctx, from, offset, length, func(b []byte) error { hashed(h, b); return nil })
	return [32]byte(h.Sum(nil)), err
}

// prove remembers whether a chunk was read back and found right by this process.
func (u *upload) prove(index int, right bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	word, bit := index/64, uint64(1)<<(index%64)
	for right && word >= len(u.proven) {
		u.proven = append(u.proven, 0)
	}
	switch {
	case right:
		u.proven[word] |= bit
	case word < len(u.proven):
		u.proven[word] &^= bit
	}
}

func (u *upload) isProven(index int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return index/64 < len(u.proven) && u.proven[index/64]&(1<<(index%64)) != 0
}

// proveAll reads every chunk that an earlier process has taken, and nobody has looked at since: what the disk has made of
// it in the meantime is found out before the object is seen.
func (s *Storage) proveAll(ctx context.Context, u *upload, t target, m meta) error {
	return eachRecord(ctx, t.chunks, func(r record) error {
		if u.isProven(int(r.index)) {
			return nil
		}
		sum, err := s.digest(ctx, t.data.File, r.index*m.ChunkSize, r.length)
		if errors.Is(err, io.ErrUnexpectedEOF) || (err == nil && sum != r.sha256) {
			return errs.New(errs.Corrupt, "chunk %d is not what arrived: the disk has changed it", r.index)
		}
		if err == nil {
			u.prove(int(r.index), true)
		}
		return err
	})
}
