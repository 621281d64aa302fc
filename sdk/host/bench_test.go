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
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/storage"
)

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

// zstdCompressor is what a real compressor looks like: as many encoders as slots, no memory per frame.
type zstdCompressor struct {
	compress.Compressor
	slots   int
	encoder *zstd.Encoder
	once    sync.Once
}

func openZstd(context.Context, *struct{}) (compress.Compressor, error) { return &zstdCompressor{}, nil }

func (c *zstdCompressor) Method() uint16       { return 93 }
func (c *zstdCompressor) Bound(n int) int      { return n + n/255 + 64 }
func (c *zstdCompressor) Trailer() []byte      { return nil }
func (c *zstdCompressor) SetConcurrency(n int) { c.slots = n }

func (c *zstdCompressor) Compress(dst, frame []byte) ([]byte, error) {
	var err error
	c.once.Do(func() {
		c.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(c.slots))
	})
	if err != nil {
		return nil, err
	}
	return c.encoder.EncodeAll(frame, dst), nil
}

// BenchmarkCompress compares zstd in process with the same code in a plugin, over shared memory, in turn and from one
// run. "ratio" is the wall time of the plugin path / of the in-process path; the goal is at most 1.10. The other numbers
// are MiB per second, the two paths' CPU seconds per GiB, and what the plugin weighs in MiB.
func BenchmarkCompress(b *testing.B) {
	for _, size := range []int{1 << 20, 4 << 20} {
		for _, inline := range []bool{false, true} {
			b.Run(fmt.Sprintf("frame=%dMiB/inline=%v", size>>20, inline), func(b *testing.B) { compareCompress(b, size, inline) })
		}
	}
}

func compareCompress(b *testing.B, size int, inline bool) {
	const total = 64 << 20               // bytes in each turn
	workers := runtime.GOMAXPROCS(0) + 1 // one frame is filled while the others are compressed
	input := page(size)
	local := &zstdCompressor{slots: workers}
	p := start(b, command(b, "zstd", "compress", "zstd"))
	configure(b, p, `{}`)
	f, err := p.Frames(b.Context(), host.FrameOptions{FrameSize: size, Slots: workers, Inline: inline})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var inside, plugin, insideCPU, pluginCPU []float64
	for b.Loop() {
		cpu := cpuSeconds(b, os.Getpid())
		inside = append(inside, parallel(b, workers, total/size, func() func() error {
			in, out := make([]byte, size), make([]byte, 0, local.Bound(size))
			return func() error { copy(in, input); _, err := local.Compress(out, in); return err }
		}))
		insideCPU = append(insideCPU, cpuSeconds(b, os.Getpid())-cpu)
		cpu = cpuSeconds(b, os.Getpid(), p.PID())
		plugin = append(plugin, parallel(b, workers, total/size, func() func() error {
			return func() error { return frame(b.Context(), f, input) }
		}))
		pluginCPU = append(pluginCPU, cpuSeconds(b, os.Getpid(), p.PID())-cpu)
	}
	b.ReportMetric(median(plugin)/median(inside), "ratio")
	b.ReportMetric((total>>20)/median(inside), "inside-MiB/s")
	b.ReportMetric((total>>20)/median(plugin), "plugin-MiB/s")
	b.ReportMetric(mean(insideCPU)*(1<<30)/total, "inside-cpu-s/GiB")
	b.ReportMetric(mean(pluginCPU)*(1<<30)/total, "plugin-cpu-s/GiB")
	anonymous, shared := resident(b, p.PID())
	b.ReportMetric(anonymous, "plugin-anon-MiB")
	b.ReportMetric(shared, "plugin-shm-MiB")
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

// parallel runs n calls in a number of goroutines, each of which makes its own function, and returns the seconds.
func parallel(b *testing.B, workers, n int, make func() func() error) float64 {
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range workers {
		all.Go(func() {
			for call := make(); next.Add(1) <= int64(n); {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(began).Seconds()
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// cpuSeconds is the processor time that processes have used, from /proc; 0 elsewhere.
func cpuSeconds(b *testing.B, pids ...int) float64 {
	b.Helper()
	ticks := 0.0
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		for _, f := range fields[11:13] { // user and system time
			n, err := strconv.Atoi(f)
			if err != nil {
				b.Fatal(err)
			}
			ticks += float64(n)
		}
	}
	return ticks / 100
}

// resident is what a process holds in MiB: memory of its own, and memory that it shares with the host.
func resident(b *testing.B, pid int) (anonymous, shared float64) {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	value := func(name string) float64 {
		_, rest, _ := strings.Cut(string(status), name+":")
		var kib float64
		_, _ = fmt.Sscan(rest, &kib)
		return kib / 1024
	}
	return value("RssAnon"), value("RssShmem")
}

// BenchmarkCall is the price of one call of the control plane: a frame of one byte there and back.
func BenchmarkCall(b *testing.B) {
	p, f := startFrames(b, `{"do": "identity"}`, host.FrameOptions{FrameSize: 4096, Slots: 1})
	cpu := cpuSeconds(b, os.Getpid(), p.PID())
	for b.Loop() {
		if err := frame(b.Context(), f, []byte{1}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((cpuSeconds(b, os.Getpid(), p.PID())-cpu)*1e6/float64(b.N), "cpu-µs/op")
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
