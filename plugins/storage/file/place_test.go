package file_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/drydock-backup/drydock/plugins/storage/file"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// longChunk is flushed and read back in three parts, the last of which ends in the middle of a block.
const longChunk = 40<<20 + 1234

// interrupted gives bytes, and calls at when it comes to a place.
type interrupted struct {
	io.Reader
	left int
	at   func() error
}

func (r *interrupted) Read(p []byte) (int, error) {
	if r.left == 0 {
		if err := r.at(); err != nil {
			return 0, err
		}
		r.left = -1
	}
	if r.left > 0 {
		p = p[:min(len(p), r.left)]
	}
	n, err := r.Reader.Read(p)
	if r.left > 0 {
		r.left -= n
	}
	return n, err
}

var errGone = errs.New(errs.Throttled, "the client is gone")

// A chunk counts when every one of its parts was read back from the disk, and only then (R4.2, R5.2).
func TestPartsOfAChunk(t *testing.T) {
	noise := make([]byte, longChunk)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	holes := append([]byte(nil), noise...)
	clear(holes[10<<20 : 30<<20])
	flip := func(at int64) func(data string) error {
		return func(data string) error { return flipAt(data, at) }
	}
	for _, c := range []struct {
		name  string
		data  []byte
		left  int // when at is called
		at    func(data string) error
		wants errs.Kind
	}{
		{name: "right", data: noise},
		{name: "zeros in the middle", data: holes},
		{name: "changed in a part that is not complete", data: noise, left: 24 << 20, at: flip(18 << 20), wants: errs.Corrupt},
		{name: "changed in the last part", data: noise, left: longChunk - 1, at: flip(33 << 20), wants: errs.Corrupt},
		{name: "cut off while parts are read back", data: noise, left: 35 << 20,
			at: func(string) error { return errGone }, wants: errs.Throttled},
		{name: "cut off in the first part", data: noise, left: 1000, at: func(string) error { return errGone }, wants: errs.Throttled},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			token, err := s.Begin(t.Context(), storage.Upload{Key: "object", ChunkSize: longChunk})
			if err != nil {
				t.Fatal(err)
			}
			var r io.Reader = bytes.NewReader(c.data)
			if c.at != nil {
				data := filepath.Join(dir, ".drydock-uploads", token, "data")
				r = &interrupted{r, c.left, func() error { return c.at(data) }}
			}
			chunk := storage.Chunk{Length: longChunk, SHA256: sha256.Sum256(c.data)}
			err = s.PutFrom(t.Context(), token, chunk, r)
			if (err == nil) != (c.wants == "") || err != nil && errs.KindOf(err) != c.wants {
				t.Fatalf("error %v, want kind %q", err, c.wants)
			}
			if c.wants == errs.Throttled && !errors.Is(err, errGone) {
				t.Errorf("error %v does not say why", err)
			}
			wantChunks(t, s, token, err == nil, chunk)
			if err := s.PutFrom(t.Context(), token, chunk, bytes.NewReader(c.data)); err != nil {
				t.Fatalf("once more: %v", err)
			}
			wantObject(t, s, dir, token, c.data)
		})
	}
}

// wantChunks checks whether the upload has its one chunk.
func wantChunks(t *testing.T, s *file.Storage, token string, there bool, want storage.Chunk) {
	t.Helper()
	list, err := s.ListChunks(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) > 0 != there || there && (len(list) != 1 || list[0].SHA256 != want.SHA256 || list[0].Length != want.Length) {
		t.Errorf("the list of chunks is %v, want the chunk: %t", list, there)
	}
}

// wantObject commits the upload and compares the file.
func wantObject(t *testing.T, s *file.Storage, dir, token string, want []byte) {
	t.Helper()
	if err := s.Commit(t.Context(), token, int64(len(want))); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "object"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the object has %d bytes, error %v, want %d others", len(got), err, len(want))
	}
}

// flipAt changes a byte of a file, and brings it to the disk.
func flipAt(name string, at int64) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	b[0] ^= 1
	if err == nil {
		_, err = f.WriteAt(b, at)
	}
	return errors.Join(err, f.Sync(), f.Close())
}
