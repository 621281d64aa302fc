package file

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/drydock-backup/drydock/sdk/directio"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// ReadsBack implements storage.ReadBacker: PutChunk compares what the disk gives back. Only Linux can be told to read
// from the disk and not from memory.
func (s *Storage) ReadsBack() bool { return readsFromDisk }

// PutChunk copies a chunk to its place in the data file, flushes it, and compares its digest with what the disk gives
// back. A chunk that is sent again is hashed before it may replace the one that is there.
func (s *Storage) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	return s.putFailed(s.put(ctx, token, c, nil), token, c)
}

// PutFrom is PutChunk for bytes that come from a reader: c.File is not looked at. A chunk that is there already with the
// same bytes is kept, and the reader is not touched. Otherwise what is there is given up before the first byte is read: a
// reader, unlike a file, cannot be looked at twice.
func (s *Storage) PutFrom(ctx context.Context, token string, c storage.Chunk, r io.Reader) error {
	return s.putFailed(s.put(ctx, token, c, r), token, c)
}

func (s *Storage) putFailed(err error, token string, c storage.Chunk) error {
	if kindOf(err) == errs.NoSpace {
		return s.fail(err, "put chunk %d of %d bytes into upload %s (%s)", c.Index, c.Length, token, s.room())
	}
	return s.fail(err, "put chunk %d into upload %s", c.Index, token)
}

// put stores a chunk, from its file when there is no reader.
func (s *Storage) put(ctx context.Context, token string, c storage.Chunk, r io.Reader) error {
	u := s.upload(token)
	u.life.RLock()
	defer u.life.RUnlock()
	root, m, err := s.meta(token)
	if err != nil {
		s.forgetUpload(token)
		return err
	}
	if err := checkChunk(c, m); err != nil {
		return err
	}
	release, err := u.claim(ctx, c.Index)
	if err != nil {
		return err
	}
	defer release()
	src := source{stream: r}
	if r == nil {
		if src.file, err = os.Open(c.File); err != nil {
			return errs.Wrap(errs.Invalid, err, "open the chunk's file")
		}
		defer src.file.Close()
	}
	t, err := openTarget(root, token)
	if err != nil {
		return err
	}
	err = errors.Join(s.store(ctx, t, src, c, m), t.close())
	u.prove(c.Index, err == nil)
	return err
}

func checkChunk(c storage.Chunk, m meta) error {
	switch {
	case c.Index < 0 || c.Index >= maxChunks:
		return errs.New(errs.Invalid, "index %d is not 0 to %d", c.Index, maxChunks-1)
	case c.Length < 0 || c.Length > m.ChunkSize:
		return errs.New(errs.Invalid, "length %d is not 0 to the chunk size %d", c.Length, m.ChunkSize)
	case c.FileOffset < 0:
		return errs.New(errs.Invalid, "offset %d is negative", c.FileOffset)
	case int64(c.Index) > (math.MaxInt64-c.Length)/m.ChunkSize:
		return errs.New(errs.Invalid, "index %d of %d bytes each is past the end of any file", c.Index, m.ChunkSize)
	}
	return nil
}

// target is the pair of files that an upload is written to.
type target struct {
	data   *directio.File
	chunks *os.File
}

func openTarget(root *os.Root, token string) (target, error) {
	data, err := root.OpenFile(uploadFile(token, "data"), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return target{}, errs.New(errs.NotFound, "the upload was committed")
	}
	if err != nil {
		return target{}, err
	}
	chunks, err := root.OpenFile(uploadFile(token, "chunks"), os.O_RDWR, 0)
	if err != nil {
		return target{}, errors.Join(err, data.Close())
	}
	t := target{data: directio.New(data), chunks: chunks}
	t.data.Bypass(root, uploadFile(token, "data"))
	return t, nil
}

func (t target) close() error {
	return errors.Join(t.data.Close(), t.chunks.Close())
}

// store writes one chunk and its record, each flushed before the next. What was written is read back from the disk
// before it counts.
func (s *Storage) store(ctx context.Context, t target, src source, c storage.Chunk, m meta) error {
	index := int64(c.Index)
	there, ok, err := get(t.chunks, index)
	if err != nil {
		return err
	}
	if ok {
		kept, err := s.supersede(ctx, t, src, c, there, index*m.ChunkSize)
		if err != nil || kept {
			return err
		}
	}
	if err := s.place(ctx, t, src, c, index*m.ChunkSize); err != nil {
		discard(t.data.File, index*m.ChunkSize, c.Length)
		return err
	}
	return put(t.chunks, record{index: index, length: c.Length, sha256: c.SHA256})
}

// supersede gives up a chunk that is there for one that is sent again, unless both are the same.
func (s *Storage) supersede(ctx context.Context, t target, src source, c storage.Chunk, there record, at int64) (bool, error) {
	if src.stream == nil {
		if err := s.matches(ctx, src.file, c.FileOffset, c); err != nil {
			return false, err
		}
	} else if there.length == c.Length && there.sha256 == c.SHA256 {
		err := s.matches(ctx, t.data.File, at, c)
		if err == nil || kindOf(err) != errs.Corrupt {
			return err == nil, err
		}
	}
	return false, forget(t.chunks, int64(c.Index))
}

// matches compares the digest of a chunk's bytes, as they lie in a file from offset.
func (s *Storage) matches(ctx context.Context, from io.ReaderAt, offset int64, c storage.Chunk) error {
	got, err := s.digest(ctx, from, offset, c.Length)
	return compare(got, err, c)
}

// compare says whether the digest that was read, or the error of reading, is that of the chunk.
func compare(got [32]byte, err error, c storage.Chunk) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errs.New(errs.Corrupt, "chunk %d ends too early", c.Index)
	}
	if err != nil {
		return err
	}
	if got != c.SHA256 {
		return errs.New(errs.Corrupt, "the bytes have digest %x, not %x", got[:6], c.SHA256[:6])
	}
	return nil
}

// hashed adds b to h, which never fails.
func hashed(h hash.Hash, b []byte) { _, _ = h.Write(b) }

// room says for an error message how much space is left.
func (s *Storage) room() string {
	root, err := s.open()
	if err != nil {
		return "free space unknown"
	}
	c, err := capacity(root)
	if err != nil || c.Free < 0 {
		return "free space unknown"
	}
	return fmt.Sprintf("%d bytes free", c.Free)
}
