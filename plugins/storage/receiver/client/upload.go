package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// isToken reports whether a receiver can have made s.
func isToken(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16
}

// pathOf fills a token, and perhaps an index, into a path.
func pathOf(pattern, token, index string) string {
	return strings.NewReplacer("{token}", token, "{index}", index).Replace(pattern)
}

var errNoUpload = errs.New(errs.NotFound, "no such upload")

// Begin opens an upload.
func (s *Storage) Begin(ctx context.Context, up storage.Upload) (string, error) {
	var got wire.Begun
	err := s.call(ctx, http.MethodPost, wire.PathUploads, nil, wire.Begin{Key: up.Key, ChunkSize: up.ChunkSize}, &got)
	if err == nil && !isToken(got.Token) {
		err = errs.New(errs.Permanent, "the answer %.40q is no token", got.Token)
	}
	return got.Token, s.fail(err, "begin %q", up.Key)
}

// PutChunk sends a chunk. When it returns, the receiver has compared what its disk gives back with the digest.
func (s *Storage) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	return s.fail(s.putChunk(ctx, token, c), "put chunk %d into upload %s", c.Index, token)
}

func (s *Storage) putChunk(ctx context.Context, token string, c storage.Chunk) error {
	if !isToken(token) {
		return errNoUpload
	}
	f, err := openChunk(c)
	if err != nil {
		return err
	}
	defer f.Close()
	release, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	x := s.exchange(ctx)
	defer x.end()
	b := &body{Reader: io.NewSectionReader(f, c.FileOffset, c.Length), x: x, length: c.Length}
	defer b.end()
	answer, err := x.send(http.MethodPut, pathOf(wire.PathChunk, token, strconv.Itoa(c.Index)), nil, b, func(r *http.Request) {
		r.ContentLength = c.Length
		r.Header.Set("Expect", "100-continue")
		r.Header.Set("Content-Type", wire.Bytes)
		r.Header.Set(wire.HeaderDigest, wire.FormatDigest(c.SHA256))
		if c.Length == 0 {
			r.Body = http.NoBody
		}
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, wire.MaxBody))
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return x.because(err)
	}
	if began, ok := b.began(); ok {
		s.measured(c.Length, time.Since(began))
		return nil
	}
	return matches(x, f, c) // the receiver has these bytes already, and did not look at ours
}

// matches compares the digest of a chunk with its file.
func matches(x *exchange, f *os.File, c storage.Chunk) error {
	h := sha256.New()
	if _, err := io.Copy(h, moving{io.NewSectionReader(f, c.FileOffset, c.Length), x}); err != nil {
		return err
	}
	if got := [32]byte(h.Sum(nil)); got != c.SHA256 {
		return errs.New(errs.Corrupt, "the bytes have digest %x, not %x", got[:6], c.SHA256[:6])
	}
	return nil
}

// openChunk opens the file of a chunk that can be sent.
func openChunk(c storage.Chunk) (*os.File, error) {
	if c.Index < 0 || c.Length < 0 || c.FileOffset < 0 {
		return nil, errs.New(errs.Invalid, "index %d, length %d or offset %d is negative", c.Index, c.Length, c.FileOffset)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "open the chunk's file")
	}
	info, err := f.Stat()
	if err == nil && c.Length > info.Size()-c.FileOffset {
		err = errs.New(errs.Corrupt, "%s ends before the chunk does", c.File)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// ListChunks asks the receiver to read every chunk that has arrived again.
func (s *Storage) ListChunks(ctx context.Context, token string) ([]storage.ChunkInfo, error) {
	if !isToken(token) {
		return nil, s.fail(errNoUpload, "list chunks of upload %.40q", token)
	}
	list := []storage.ChunkInfo{}
	err := s.lines(ctx, http.MethodGet, pathOf(wire.PathChunks, token, ""), nil, nil, func(l wire.Line) error {
		if l.Chunk == nil || l.Chunk.Index < 0 || l.Chunk.Index > wire.MaxIndex {
			return errs.New(errs.Permanent, "understand the answer: not a chunk")
		}
		sum, err := wire.ParseSHA256(l.Chunk.SHA256)
		list = append(list, storage.ChunkInfo{Index: int(l.Chunk.Index), Length: l.Chunk.Length, SHA256: sum})
		return err
	})
	if err != nil {
		return nil, s.fail(err, "list chunks of upload %s", token)
	}
	return list, nil
}

// Commit makes the object visible.
func (s *Storage) Commit(ctx context.Context, token string, size int64) error {
	if !isToken(token) {
		return s.fail(errNoUpload, "commit upload %.40q", token)
	}
	err := s.lines(ctx, http.MethodPost, pathOf(wire.PathCommit, token, ""), nil, wire.Commit{Size: size}, func(wire.Line) error { return nil })
	return s.fail(err, "commit upload %s", token)
}

// Abort drops an upload.
func (s *Storage) Abort(ctx context.Context, token string) error {
	if !isToken(token) {
		return nil
	}
	return s.fail(s.call(ctx, http.MethodDelete, pathOf(wire.PathUpload, token, ""), nil, nil, nil), "abort upload %s", token)
}
