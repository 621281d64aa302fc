package file

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// ReadsBack implements storage.ReadBacker: PutChunk compares what the disk gives back. Only Linux can be told to read
// from the disk and not from memory.
func (s *Storage) ReadsBack() bool { return readsFromDisk }

// bufferSize is how much is read, hashed and written at a time, and how often the context is looked at.
const bufferSize = 1 << 20

// PutChunk copies a chunk to its place in the data file, flushes it, and compares its digest with what the disk gives
// back. A chunk that is sent again is hashed before it may replace the one that is there.
func (s *Storage) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	err := s.putChunk(ctx, token, c)
	if kindOf(err) == errs.NoSpace {
		return s.fail(err, "put chunk %d of %d bytes into upload %s (%s)", c.Index, c.Length, token, s.room())
	}
	return s.fail(err, "put chunk %d into upload %s", c.Index, token)
}

func (s *Storage) putChunk(ctx context.Context, token string, c storage.Chunk) error {
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
	src, err := os.Open(c.File)
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "open the chunk's file")
	}
	defer src.Close()
	t, err := openTarget(root, token)
	if err != nil {
		return err
	}
	return errors.Join(s.store(ctx, t, src, c, m), t.close())
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
	data   *os.File
	direct *os.File // data without the page cache in between; nil where the file system cannot
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
	return target{data: data, direct: openDirect(root, uploadFile(token, "data")), chunks: chunks}, nil
}

func (t target) close() error {
	err := errors.Join(t.data.Close(), t.chunks.Close())
	if t.direct != nil {
		err = errors.Join(err, t.direct.Close())
	}
	return err
}

// store writes one chunk and its record, each flushed before the next. What was written is read back from the disk
// before it counts.
func (s *Storage) store(ctx context.Context, t target, src *os.File, c storage.Chunk, m meta) error {
	index := int64(c.Index)
	there, err := has(t.chunks, index)
	if err != nil {
		return err
	}
	if there {
		if err := s.matches(ctx, src, c.FileOffset, c); err != nil {
			return err
		}
		if err := forget(t.chunks, index); err != nil {
			return err
		}
	}
	if err := s.place(ctx, t, src, c, index*m.ChunkSize); err != nil {
		discard(t.data, index*m.ChunkSize, c.Length)
		return err
	}
	return put(t.chunks, record{index: index, length: c.Length, sha256: c.SHA256})
}

// place copies a chunk to its place in the data file, flushes it, and compares what the disk gives back.
func (s *Storage) place(ctx context.Context, t target, src *os.File, c storage.Chunk, at int64) error {
	if err := s.copy(ctx, t, src, c, at); err != nil {
		return err
	}
	if err := datasync(t.data); err != nil {
		return err
	}
	dropCache(t.data, at, c.Length)
	return s.matches(ctx, t.readback(at), at, c)
}

// readback is where to read what was written from offset at.
func (t target) readback(at int64) io.ReaderAt {
	if t.direct != nil && at%directAlign == 0 {
		return mixed{t}
	}
	return t.data
}

// mixed reads whole blocks from the disk, and the rest of a file's last block through the page cache.
type mixed struct{ target }

func (m mixed) ReadAt(b []byte, off int64) (int, error) {
	whole := len(b) / directAlign * directAlign
	n, err := 0, error(nil)
	if whole > 0 {
		n, err = m.direct.ReadAt(b[:whole], off)
	}
	if err != nil || n < whole || whole == len(b) {
		return n, err
	}
	tail, err := m.data.ReadAt(b[whole:], off+int64(whole))
	return n + tail, err
}

// copy writes a chunk to the data file from offset at: whole blocks straight to the disk where that is possible.
func (s *Storage) copy(ctx context.Context, t target, src *os.File, c storage.Chunk, at int64) error {
	if err := reserve(t.data, at, c.Length); err != nil {
		return err
	}
	back := writeback{file: t.data, from: at}
	err := s.each(ctx, src, c.FileOffset, c.Length, func(b []byte) error {
		if t.direct != nil && at%directAlign == 0 && len(b)%directAlign == 0 {
			_, err := t.direct.WriteAt(b, at)
			at += int64(len(b))
			return err
		}
		if _, err := t.data.WriteAt(b, at); err != nil {
			return err
		}
		at += int64(len(b))
		back.written(at)
		return nil
	})
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errs.New(errs.Corrupt, "%s ends before the chunk does", c.File)
	}
	return err
}

// matches compares the digest of a chunk's bytes, as they lie in a file from offset.
func (s *Storage) matches(ctx context.Context, from io.ReaderAt, offset int64, c storage.Chunk) error {
	h := sha256.New()
	err := s.each(ctx, from, offset, c.Length, func(b []byte) error { hashed(h, b); return nil })
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errs.New(errs.Corrupt, "chunk %d ends too early", c.Index)
	}
	if err != nil {
		return err
	}
	if got := [32]byte(h.Sum(nil)); got != c.SHA256 {
		return errs.New(errs.Corrupt, "the bytes have digest %x, not %x", got[:6], c.SHA256[:6])
	}
	return nil
}

// hashed adds b to h, which never fails.
func hashed(h hash.Hash, b []byte) { _, _ = h.Write(b) }

// each calls f for the length bytes of a file from offset, a buffer at a time. A file that ends before is
// io.ErrUnexpectedEOF.
func (s *Storage) each(ctx context.Context, from io.ReaderAt, offset, length int64, f func(b []byte) error) error {
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	for length > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := (*buffer)[:min(length, bufferSize)]
		if n, err := from.ReadAt(b, offset); n < len(b) {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		if err := f(b); err != nil {
			return err
		}
		offset += int64(len(b))
		length -= int64(len(b))
	}
	return nil
}

// writeback starts writing to the disk what was written to the page cache, and keeps what is still on its way under a
// limit. So the flush at the end of a chunk is short, which keeps the cores busy and a cancelled call quick.
type writeback struct {
	file    *os.File
	from    int64 // write-back of what lies before was waited for
	started int64
}

// pending is how much may be on its way to the disk, in bytes.
const pending = 16 << 20

func (w *writeback) written(to int64) {
	w.started = max(w.started, w.from)
	startWriteback(w.file, w.started, to-w.started)
	w.started = to
	if to-w.from > pending {
		awaitWriteback(w.file, w.from, pending/2)
		w.from += pending / 2
	}
}

// ListChunks reads every chunk that has arrived again and returns the digest of what is there now.
func (s *Storage) ListChunks(ctx context.Context, token string) ([]storage.ChunkInfo, error) {
	chunks, err := s.listChunks(ctx, token)
	return chunks, s.fail(err, "list chunks of upload %s", token)
}

func (s *Storage) listChunks(ctx context.Context, token string) ([]storage.ChunkInfo, error) {
	root, m, err := s.meta(token)
	if err != nil {
		return nil, err
	}
	t, err := openTarget(root, token)
	if err != nil {
		return nil, err
	}
	defer t.close()
	list := []storage.ChunkInfo{}
	err = eachRecord(ctx, t.chunks, func(r record) error {
		h := sha256.New()
		err := s.each(ctx, t.data, r.index*m.ChunkSize, r.length, func(b []byte) error { hashed(h, b); return nil })
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // the file was cut off: the chunk is gone
		}
		list = append(list, storage.ChunkInfo{Index: int(r.index), Length: r.length, SHA256: [32]byte(h.Sum(nil))})
		return err
	})
	return list, err
}

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
