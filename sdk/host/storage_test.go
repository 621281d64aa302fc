package host_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

func randomBytes(n int) []byte {
	data := make([]byte, n)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(data)
	return data
}

// TestStorageRoundTrip sends an object through a spawned provider and reads it back in several ways.
func TestStorageRoundTrip(t *testing.T) {
	dir := t.TempDir()
	_, s := startStorage(t, dir)
	ctx := t.Context()
	data := randomBytes(3<<20 + 17)
	spool := filepath.Join(t.TempDir(), "spool")
	if err := os.WriteFile(spool, append([]byte("head"), data...), 0o600); err != nil {
		t.Fatal(err)
	}
	token, err := s.Begin(ctx, storage.Upload{Key: "a/b", ChunkSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i<<20 < len(data); i++ {
		part := data[i<<20 : min(len(data), (i+1)<<20)]
		chunk := storage.Chunk{Index: i, Length: int64(len(part)), SHA256: sha256.Sum256(part), File: spool, FileOffset: int64(4 + i<<20)}
		if err := s.PutChunk(ctx, token, chunk); err != nil {
			t.Fatal(err)
		}
		chunk.SHA256[0]++
		if err := s.PutChunk(ctx, token, chunk); !errs.Is(err, errs.Corrupt) {
			t.Fatalf("wrong digest: %v", err)
		}
	}
	chunks, err := s.ListChunks(ctx, token)
	if err != nil || len(chunks) != 4 || chunks[3].Length != 17 || chunks[0].SHA256 != sha256.Sum256(data[:1<<20]) {
		t.Fatalf("chunks %v, %v", chunks, err)
	}
	if err := s.Commit(ctx, token, 5); !errs.Is(err, errs.Invalid) {
		t.Fatalf("wrong size: %v", err)
	}
	if err := s.Commit(ctx, token, int64(len(data))); err != nil {
		t.Fatal(err)
	}
	o, err := s.Stat(ctx, "a/b")
	if err != nil || o.Size != int64(len(data)) || time.Since(o.Modified) > time.Minute {
		t.Fatalf("stat %+v, %v", o, err)
	}
	for _, r := range [][2]int64{{0, int64(len(data))}, {5, 1 << 20}, {7, 0}, {int64(len(data)) - 1, 1}} {
		var got bytes.Buffer
		if err := s.ReadRange(ctx, "a/b", r[0], r[1], &got); err != nil {
			t.Fatalf("read %v: %v", r, err)
		}
		if !bytes.Equal(got.Bytes(), data[r[0]:r[0]+r[1]]) {
			t.Fatalf("read %v: bytes differ", r)
		}
		sum, err := s.(storage.Digester).Digest(ctx, "a/b", r[0], r[1])
		if err != nil || sum != sha256.Sum256(got.Bytes()) {
			t.Fatalf("digest %v: %v", r, err)
		}
	}
	if err := s.Delete(ctx, "a/b"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(ctx, "a/b"); !errs.Is(err, errs.NotFound) {
		t.Fatalf("after delete: %v", err)
	}
}

// TestOptionalAbilities shows that a type assertion on the client tells what the provider can do.
func TestOptionalAbilities(t *testing.T) {
	_, s := startStorage(t, t.TempDir())
	c, err := s.(storage.Checker).Check(t.Context())
	if diff := cmp.Diff(storage.Capacity{Free: 12, Total: -1}, c); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	p := start(t, command(t, "storage-plain", "storage", "dir"))
	configure(t, p, `{"path": "/tmp"}`)
	plain, err := p.Storage()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := plain.(storage.Checker); ok {
		t.Error("a provider without Check looks as if it had one")
	}
	if _, ok := plain.(storage.Digester); ok {
		t.Error("a provider without Digest looks as if it had one")
	}
}

// TestLists goes past one page, stops early, and gives errors on.
func TestLists(t *testing.T) {
	_, s := startStorage(t, t.TempDir())
	var n int
	err := s.List(t.Context(), "!many:1300", func(o storage.Object) error {
		if o.Size != int64(n) || o.Modified.UnixNano() != int64(n)+1 {
			t.Fatalf("object %d is %+v", n, o)
		}
		n++
		return nil
	})
	if err != nil || n != 1300 {
		t.Fatalf("%d objects, %v", n, err)
	}
	enough := errors.New("enough")
	if err := s.List(t.Context(), "!many:1000000", func(storage.Object) error { return enough }); !errors.Is(err, enough) {
		t.Fatalf("early stop: %v", err)
	}
	if err := s.List(t.Context(), "x", nil); !errs.Is(err, errs.Invalid) {
		t.Fatalf("list error: %v", err)
	}
	chunks, err := s.ListChunks(t.Context(), "!many:1025")
	if err != nil || len(chunks) != 1025 || chunks[1024].Index != 1024 {
		t.Fatalf("%d chunks, %v", len(chunks), err)
	}
	if _, err := s.ListChunks(t.Context(), "none"); !errs.Is(err, errs.NotFound) {
		t.Fatalf("unknown token: %v", err)
	}
}

// TestErrorKinds sends every kind across the process boundary and back.
func TestErrorKinds(t *testing.T) {
	_, s := startStorage(t, t.TempDir())
	for _, kind := range errs.Kinds() {
		_, err := s.Begin(t.Context(), storage.Upload{Key: "!kind:" + string(kind)})
		var e *errs.Error
		if !errors.As(err, &e) || e.Kind != kind || e.RetryAfter != 1500*time.Millisecond {
			t.Errorf("%s arrived as %#v", kind, err)
		}
		if want := "outside: begin it: because"; err.Error() != want {
			t.Errorf("%s: text %q, want %q", kind, err, want)
		}
		if got := errors.Is(err, context.Canceled); got != (kind == errs.Canceled) {
			t.Errorf("%s: is canceled = %v", kind, got)
		}
	}
	tests := []struct {
		key  string
		kind errs.Kind
		is   error
	}{
		{"!plain", errs.Permanent, nil},
		{"!canceled", errs.Transient, nil}, // nobody canceled the call, so it was the provider's own doing
		{"!deadline", errs.Canceled, context.DeadlineExceeded},
		{"!own-deadline", errs.Transient, nil},
		{"!kind:future", errs.Permanent, nil},
	}
	for _, tt := range tests {
		_, err := s.Begin(t.Context(), storage.Upload{Key: tt.key})
		if err == nil || errs.KindOf(err) != tt.kind || (tt.is != nil && !errors.Is(err, tt.is)) {
			t.Errorf("%s: %v (%s), want %s", tt.key, err, errs.KindOf(err), tt.kind)
		}
	}
}

// TestReadRangeFailures shows that half a range is never taken for a whole one.
func TestReadRangeFailures(t *testing.T) {
	_, s := startStorage(t, t.TempDir())
	tests := []struct {
		key  string
		kind errs.Kind
		text string
	}{
		{"!short", errs.Permanent, "too few"},
		{"!half", errs.Transient, "connection reset"},
		{"!long", errs.Permanent, "more bytes than"},
		{"!none", errs.NotFound, "read !none"},
	}
	for _, tt := range tests {
		err := s.ReadRange(t.Context(), tt.key, 0, 4<<20, io.Discard)
		if errs.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v (%s), want %s %q", tt.key, err, errs.KindOf(err), tt.kind, tt.text)
		}
	}
	full := errors.New("disk full")
	if err := s.ReadRange(t.Context(), "!endless", 0, 1<<40, failingWriter{full}); !errors.Is(err, full) {
		t.Errorf("the reader's own error is lost: %v", err)
	}
	if err := s.ReadRange(t.Context(), "!none", -1, 3, io.Discard); !errs.Is(err, errs.Invalid) {
		t.Errorf("negative offset: %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// TestCancel shows that calls return promptly also if the provider does not (R9.5).
func TestCancel(t *testing.T) {
	_, s := startStorage(t, t.TempDir())
	for _, key := range []string{"!hang", "!slow"} {
		for name, call := range map[string]func(context.Context) error{
			"begin": func(ctx context.Context) error { _, err := s.Begin(ctx, storage.Upload{Key: key}); return err },
			"read":  func(ctx context.Context) error { return s.ReadRange(ctx, key, 0, 1<<20, io.Discard) },
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			began := time.Now()
			err := call(ctx)
			cancel()
			if took := time.Since(began); took > 20*time.Second || !errs.Is(err, errs.Canceled) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s %s: %v after %s", name, key, err, took)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Begin(ctx, storage.Upload{Key: "x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled before the call: %v", err)
	}
}
