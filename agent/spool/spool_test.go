package spool_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/errs"
)

func create(t testing.TB) *spool.Spool {
	t.Helper()
	s, err := spool.Create(filepath.Join(t.TempDir(), "spool", "run1"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// noise returns n bytes that no compressor likes, the same for the same seed.
func noise(seed uint64, n int) []byte {
	p := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = r.Read(p) // never fails
	return p
}

func ignore(spool.Chunk) error { return nil }

// noLeaks fails the test when goroutines are left that it did not begin with.
func noLeaks(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 100 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		buf := make([]byte, 1<<16)
		t.Errorf("goroutines left:\n%s", buf[:runtime.Stack(buf, true)])
	})
}

// R4.1: whatever is written in whatever pieces, the chunks put together are it.
func TestChunksMakeTheStream(t *testing.T) {
	noLeaks(t)
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		if err != nil {
			rt.Fatal(err)
		}
		s, err := spool.Create(filepath.Join(dir, "run"))
		if err != nil {
			rt.Fatal(err)
		}
		chunkSize := rapid.OneOf(rapid.IntRange(1, 5000), rapid.IntRange(400<<10, 1<<20)).Draw(rt, "chunk size")
		data := noise(rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(0, 12).Draw(rt, "chunks")*chunkSize+
			rapid.IntRange(0, chunkSize-1).Draw(rt, "rest"))
		var emitted []spool.Chunk
		w := s.Writer(t.Context(), int64(chunkSize), func(c spool.Chunk) error { emitted = append(emitted, c); return nil })
		for rest := data; len(rest) > 0; {
			n := min(len(rest), rapid.OneOf(rapid.IntRange(1, 300), rapid.IntRange(1, 2<<20)).Draw(rt, "piece"))
			if m, err := w.Write(rest[:n]); err != nil || m != n {
				rt.Fatalf("wrote %d of %d: %v", m, n, err)
			}
			rest = rest[n:]
		}
		size, chunks, err := w.Finish()
		if err != nil || size != int64(len(data)) {
			rt.Fatalf("size %d of %d: %v", size, len(data), err)
		}
		if d := cmp.Diff(emitted, chunks); d != "" {
			rt.Error(d)
		}
		checkChunks(rt, chunks, data, chunkSize)
		if err := s.Destroy(); err != nil {
			rt.Error(err)
		}
	})
}

func checkChunks(t interface{ Errorf(string, ...any) }, chunks []spool.Chunk, data []byte, chunkSize int) {
	want := slices.Collect(slices.Chunk(data, chunkSize))
	if len(chunks) != len(want) {
		t.Errorf("%d chunks, %d expected", len(chunks), len(want))
		return
	}
	for i, c := range chunks {
		got, err := os.ReadFile(c.Path)
		if err != nil || !bytes.Equal(got, want[i]) {
			t.Errorf("chunk %d holds other bytes (%v)", i, err)
		}
		if c.Index != i || c.Length != int64(len(want[i])) || c.SHA256 != sha256.Sum256(want[i]) {
			t.Errorf("chunk %d is described as %+v", i, c)
		}
		if err := spool.Verify(context.Background(), c); err != nil {
			t.Errorf("verify: %v", err)
		}
	}
}

// Shipping follows capture: a chunk is handed on while the stream goes on, not at its end.
func TestChunkIsEmittedAsSoonAsItIsFull(t *testing.T) {
	s := create(t)
	var emitted []int
	w := s.Writer(t.Context(), 1<<20, func(c spool.Chunk) error { emitted = append(emitted, c.Index); return nil })
	defer w.Abort()
	for i := range 3 {
		if _, err := w.Write(noise(1, 1<<20)); err != nil {
			t.Fatal(err)
		}
		if len(emitted) != i+1 {
			t.Fatalf("after %d chunks of bytes: %v", i+1, emitted)
		}
	}
}

func TestNobodyElseCanReadTheSpool(t *testing.T) {
	s := create(t)
	w := s.Writer(t.Context(), 4, ignore)
	_, _ = w.Write([]byte("secrets"))
	if _, _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(s.Dir())
	if err != nil || len(entries) != 3 {
		t.Fatalf("%v %v", entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v)", e.Name(), info.Mode(), err)
		}
	}
	if info, err := os.Stat(s.Dir()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory has mode %v (%v)", info.Mode(), err)
	}
}

func TestTwoRunsNeverShareASpool(t *testing.T) {
	s := create(t)
	if _, err := spool.Create(s.Dir()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("err = %v", err)
	}
}

func TestAbortKeepsCompleteChunksOnly(t *testing.T) {
	noLeaks(t)
	s := create(t)
	w := s.Writer(t.Context(), 1<<20, ignore)
	if _, err := w.Write(noise(1, 5<<19)); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	w.Abort()
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("wrote after abort")
	}
	if d := cmp.Diff([]string{"00000000.chunk", "00000001.chunk", "drydock-spool"}, names(t, s.Dir())); d != "" {
		t.Error(d)
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestErrorsStick(t *testing.T) {
	noLeaks(t)
	broken := errors.New("no target left")
	canceled, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("interrupted")
	cancel(stop)
	for name, tc := range map[string]struct {
		ctx       context.Context
		chunkSize int64
		emit      func(spool.Chunk) error
		want      error
	}{
		"emit fails":      {t.Context(), 10, func(spool.Chunk) error { return broken }, broken},
		"context ended":   {canceled, 10, ignore, stop},
		"chunk size of 0": {t.Context(), 0, ignore, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := create(t).Writer(tc.ctx, tc.chunkSize, tc.emit)
			_, _ = w.Write(noise(1, 1<<20))
			_, again := w.Write([]byte("x"))
			_, _, err := w.Finish()
			if err == nil || !errors.Is(again, err) || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("write: %v, finish: %v", again, err)
			}
		})
	}
}

func TestReopenedSpoolKnowsItsChunks(t *testing.T) {
	s := create(t)
	w := s.Writer(t.Context(), 10, ignore)
	_, _ = w.Write(noise(1, 35))
	_, chunks, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // gone already is no error
		if err := s.Remove(1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := spool.Open(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if again.Len() != 3 || again.Has(1) || !again.Has(3) || again.Path(3) != chunks[3].Path {
		t.Errorf("len %d, has 1: %t", again.Len(), again.Has(1))
	}
	if _, err := spool.Open(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is no spool: %v", err)
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"flipped bit": func(p string) error { return os.WriteFile(p, append(noise(1, 99), 7), 0o600) },
		"cut off":     func(p string) error { return os.Truncate(p, 60) },
		"longer":      func(p string) error { return os.Truncate(p, 101) },
		"gone":        os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			w := create(t).Writer(t.Context(), 100, ignore)
			_, _ = w.Write(noise(1, 100))
			_, chunks, err := w.Finish()
			if err != nil {
				t.Fatal(err)
			}
			if err := spoil(chunks[0].Path); err != nil {
				t.Fatal(err)
			}
			err = spool.Verify(t.Context(), chunks[0])
			if !errs.Is(err, errs.Corrupt) && !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "chunk 0") {
				t.Errorf("err = %v", err)
			}
		})
	}
}

func TestLeftoversAreListedAndRemoved(t *testing.T) {
	root := t.TempDir()
	for _, id := range []string{"dead1", "alive", "dead2"} {
		s, err := spool.Create(filepath.Join(root, id))
		if err != nil {
			t.Fatal(err)
		}
		w := s.Writer(t.Context(), 10, ignore)
		_, _ = w.Write(noise(1, 25))
		if _, _, err := w.Finish(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "someone-elses", "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	keep := func(id string) bool { return id == "alive" }
	left, err := spool.Leftovers(root, keep)
	if err != nil || len(left) != 2 || left[0].RunID != "dead1" || left[1].RunID != "dead2" || left[0].Bytes != 25 {
		t.Fatalf("%+v %v", left, err)
	}
	for _, l := range left {
		s, err := spool.Open(l.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // a Destroy can be repeated
			if err := s.Destroy(); err != nil {
				t.Error(err)
			}
		}
	}
	if d := cmp.Diff([]string{"alive", "someone-elses"}, names(t, root)); d != "" {
		t.Error(d)
	}
	if left, err := spool.Leftovers(filepath.Join(root, "nowhere"), keep); err != nil || len(left) != 0 {
		t.Errorf("%v %v", left, err)
	}
}

// R4.3: what a writer holds does not grow with the stream.
func TestWriterMemoryStaysFlat(t *testing.T) {
	s := create(t)
	piece := noise(1, 100<<10)
	w := s.Writer(t.Context(), 1<<20, func(c spool.Chunk) error { return s.Remove(c.Index) })
	if _, err := w.Write(piece); err != nil { // the buffer is made once
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 1000 {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if _, _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 2<<20 {
		t.Errorf("allocated %d bytes for 100 MB", grown)
	}
}

func BenchmarkWriter(b *testing.B) {
	for name, n := range map[string]int{"small": 32 << 10, "large": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			s := create(b)
			piece := noise(1, n)
			w := s.Writer(b.Context(), 64<<20, func(c spool.Chunk) error { return s.Remove(c.Index) })
			b.SetBytes(int64(n))
			for b.Loop() {
				if _, err := w.Write(piece); err != nil {
					b.Fatal(err)
				}
			}
			if _, _, err := w.Finish(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
