package cloud

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

const piece = 1 << 20 // bytes that are hashed at once

// Source is the bytes of a chunk, which were found to be what the chunk says. It can be read from several places at once,
// each with a section of its own.
type Source struct {
	*io.SectionReader
	file *os.File
}

// OpenChunk opens the file that holds a chunk of an upload with the given chunk size, reads the chunk once, and compares its
// digest. Each of more is fed the same bytes: a store wants to know a checksum of its own before the first byte. Numbers that
// are out of range are errs.Invalid, bytes that are not what the digest says errs.Corrupt.
func OpenChunk(ctx context.Context, c storage.Chunk, chunkSize int64, more ...hash.Hash) (*Source, error) {
	if c.Index < 0 || c.Length < 0 || c.FileOffset < 0 || c.Length > chunkSize {
		return nil, errs.New(errs.Invalid, "%d bytes at offset %d are no chunk of at most %d", c.Length, c.FileOffset, chunkSize)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "open the chunk's file")
	}
	s := &Source{SectionReader: io.NewSectionReader(f, c.FileOffset, c.Length), file: f}
	if err := s.prove(ctx, c, more); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// prove reads the chunk and compares its digest.
func (s *Source) prove(ctx context.Context, c storage.Chunk, more []hash.Hash) error {
	sum := sha256.New()
	all := []io.Writer{sum}
	for _, h := range more {
		all = append(all, h)
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(all...)}, reader{ctx, s.SectionReader}, make([]byte, piece))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return errs.Wrap(errs.Transient, err, "read the chunk")
	case n < c.Length:
		return errs.New(errs.Corrupt, "%s ends before the chunk does", c.File)
	case [32]byte(sum.Sum(nil)) != c.SHA256:
		return errs.New(errs.Corrupt, "the bytes have digest %x, not %x", sum.Sum(nil)[:6], c.SHA256[:6])
	}
	_, err = s.Seek(0, io.SeekStart)
	return err
}

// Close closes the file.
func (s *Source) Close() error { return s.file.Close() }

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

// Read reads on.
func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
