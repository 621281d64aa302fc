package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/pkg/sftp"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// block is how much is read, hashed and sent at a time, in bytes.
const block = 1 << 20

// PutChunk writes a chunk to its place in the data file.
func (s *Store) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	return s.fail(s.do(ctx, func(w *work) error { return s.putChunk(w, token, c) }), "put chunk %d into upload %s", c.Index, token)
}

func (s *Store) putChunk(w *work, token string, c storage.Chunk) error {
	m, err := w.meta(token)
	if err != nil {
		return err
	}
	if err := checkChunk(c, m); err != nil {
		return err
	}
	w.rest()
	release, err := s.upload(token).claim(w.ctx, c.Index)
	if err != nil {
		return err
	}
	defer release()
	src, err := os.Open(c.File)
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "open the chunk's file")
	}
	defer src.Close()
	data, chunks, err := w.openUpload(token)
	if err != nil {
		return err
	}
	err = w.store(data, chunks, src, c, m)
	return w.full(errors.Join(err, data.Close(), chunks.Close()), c.Length)
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

// openUpload opens the two files that grow. An upload that was committed has none.
func (w *work) openUpload(token string) (data, chunks *sftp.File, err error) {
	if err := w.step(); err != nil {
		return nil, nil, err
	}
	data, err = w.OpenFile(w.at(uploadFile(token, "data")), os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, errs.New(errs.NotFound, "the upload was committed")
	}
	if err != nil {
		return nil, nil, err
	}
	chunks, err = w.OpenFile(w.at(uploadFile(token, "chunks")), os.O_RDWR)
	if err != nil {
		return nil, nil, errors.Join(err, data.Close())
	}
	return data, chunks, nil
}

// store writes one chunk and then its record, each flushed before the next. A chunk that is sent again is hashed before it
// may replace the one that is there, whose record goes first.
func (w *work) store(data, chunks *sftp.File, src *os.File, c storage.Chunk, m meta) error {
	at := int64(c.Index) * recordSize
	old := make([]byte, recordSize)
	if n, err := chunks.ReadAt(old, at); err != nil && !errors.Is(err, io.EOF) {
		return err
	} else if _, there := decodeRecord(old[:n], int64(c.Index)); there {
		w.rest()
		if err := w.copy(nil, 0, src, c); err != nil {
			return err
		}
		if err := w.write(chunks, make([]byte, recordSize), at); err != nil {
			return err
		}
	}
	if err := w.copy(data, int64(c.Index)*m.ChunkSize, src, c); err != nil {
		return err
	}
	if err := w.step(); err != nil {
		return err
	}
	if err := w.flush(data); err != nil {
		return err
	}
	return w.write(chunks, record{index: int64(c.Index), length: c.Length, sha256: c.SHA256}.encode(), at)
}

// write writes a record and flushes it.
func (w *work) write(chunks *sftp.File, b []byte, at int64) error {
	if err := w.step(); err != nil {
		return err
	}
	if _, err := chunks.WriteAt(b, at); err != nil {
		return err
	}
	return w.flush(chunks)
}

// copy sends a chunk to dst from offset at, or nowhere when dst is nil, and compares its digest.
func (w *work) copy(dst *sftp.File, at int64, src *os.File, c storage.Chunk) error {
	h := sha256.New()
	buffer := make([]byte, min(block, c.Length))
	for from, left := c.FileOffset, c.Length; left > 0; {
		b := buffer[:min(left, block)]
		if n, err := src.ReadAt(b, from); n < len(b) {
			return errs.Wrap(errs.Corrupt, err, "read %s", c.File)
		}
		_, _ = h.Write(b) // never fails
		if dst != nil {
			if err := w.step(); err != nil {
				return err
			}
			if _, err := dst.WriteAt(b, at); err != nil {
				return err
			}
		} else if err := w.ctx.Err(); err != nil {
			return err
		}
		from, at, left = from+int64(len(b)), at+int64(len(b)), left-int64(len(b))
	}
	if got := [32]byte(h.Sum(nil)); got != c.SHA256 {
		return errs.New(errs.Corrupt, "the bytes have digest %x, not %x", got[:6], c.SHA256[:6])
	}
	return nil
}

// flush makes the server write a file to its disk, if it can.
func (w *work) flush(f *sftp.File) error {
	if !w.has(extFlush) {
		return nil
	}
	return f.Sync()
}

// ListChunks reads every chunk that has arrived again and returns the digest of what is there now.
func (s *Store) ListChunks(ctx context.Context, token string) ([]storage.ChunkInfo, error) {
	result := make(chan []storage.ChunkInfo, 1)
	err := s.do(ctx, func(w *work) error {
		list, err := w.listChunks(token)
		result <- list
		return err
	})
	if err != nil {
		return nil, s.fail(err, "list chunks of upload %s", token)
	}
	return <-result, nil
}

func (w *work) listChunks(token string) ([]storage.ChunkInfo, error) {
	m, err := w.meta(token)
	if err != nil {
		return nil, err
	}
	data, chunks, err := w.openUpload(token)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	defer chunks.Close()
	records, err := w.records(chunks)
	if err != nil {
		return nil, err
	}
	list := []storage.ChunkInfo{}
	for _, r := range records {
		h := sha256.New()
		err := w.each(data, r.index*m.ChunkSize, r.length, func(b []byte) error { _, _ = h.Write(b); return nil })
		if errors.Is(err, errShort) {
			continue // the file was cut off: the chunk is gone
		}
		if err != nil {
			return nil, err
		}
		list = append(list, storage.ChunkInfo{Index: int(r.index), Length: r.length, SHA256: [32]byte(h.Sum(nil))})
	}
	return list, nil
}

// records reads the file chunks.
func (w *work) records(chunks *sftp.File) ([]record, error) {
	info, err := chunks.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxChunks*recordSize {
		return nil, errs.New(errs.Corrupt, "the file chunks has %d bytes: too many", info.Size())
	}
	all := make([]byte, 0, info.Size())
	err = w.each(chunks, 0, info.Size(), func(b []byte) error { all = append(all, b...); return nil })
	return decodeRecords(all), err
}
