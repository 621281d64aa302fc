package host_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/storage"
)

const benchFrame = 1 << 20

// page makes bytes that compress about as well as database pages do: records of counters, words and some noise.
func page(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"pending", "shipped", "Berlin", "customer", "orders@example.com", "0000-00-00"}
	data := make([]byte, 0, n+64)
	for i := uint64(0); len(data) < n; i++ {
		data = binary.BigEndian.AppendUint64(data, i)
		data = binary.BigEndian.AppendUint32(data, r.Uint32())
		data = append(data, words[r.IntN(len(words))]...)
	}
	return data[:n]
}

// BenchmarkCompress compares deflate in process with the same code in a plugin: over shared memory, inside messages.
func BenchmarkCompress(b *testing.B) {
	input := page(benchFrame)
	workers := runtime.GOMAXPROCS(0)
	b.Run("in-process", func(b *testing.B) {
		c, err := openFlate(b.Context(), &flateConfig{Level: 1})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(benchFrame)
		parallel(b, workers, func() func() error {
			in, out := make([]byte, benchFrame), make([]byte, 0, c.Bound(benchFrame))
			return func() error { copy(in, input); _, err := c.Compress(out, in); return err }
		})
	})
	for _, do := range []string{"", "identity"} {
		for _, inline := range []bool{false, true} {
			name := map[bool]string{false: "plugin-shm", true: "plugin-inline"}[inline] + map[string]string{"": "", "identity": "-copy-only"}[do]
			b.Run(name, func(b *testing.B) {
				_, f := startFrames(b, fmt.Sprintf(`{"do": %q}`, do), host.FrameOptions{FrameSize: benchFrame, Slots: workers + 1, Inline: inline})
				b.SetBytes(benchFrame)
				parallel(b, workers, func() func() error { return func() error { return frame(b.Context(), f, input) } })
			})
		}
	}
}

func frame(ctx context.Context, f *host.Frames, input []byte) error {
	s, err := f.Slot(ctx)
	if err != nil {
		return err
	}
	defer s.Release()
	_, err = s.Compress(ctx, copy(s.In(), input))
	return err
}

// parallel runs b.N calls in a number of goroutines; each makes its own function.
func parallel(b *testing.B, workers int, make func() func() error) {
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range workers {
		all.Go(func() {
			for call := make(); next.Add(1) <= int64(b.N); {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
}

// BenchmarkRead reads 8 MiB pieces of an object through a plugin; digest is the way without the bytes.
func BenchmarkRead(b *testing.B) {
	const length = 8 << 20
	dir := b.TempDir()
	_, s := startStorage(b, dir)
	if err := os.WriteFile(filepath.Join(dir, "o"), randomBytes(length), 0o600); err != nil {
		b.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"pipe":   func() error { return s.ReadRange(b.Context(), "o", 0, length, io.Discard) },
		"digest": func() error { _, err := s.(storage.Digester).Digest(b.Context(), "o", 0, length); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(length)
			for b.Loop() {
				if err := call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStart is what a provider adds to the start of a run, and what it weighs.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p, err := host.Start(b.Context(), command(b, "compress", "compress", "flate"))
		if err != nil {
			b.Fatal(err)
		}
		if err := p.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
