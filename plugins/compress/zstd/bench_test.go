package zstd_test

import (
	"sync"
	"testing"

	"github.com/drydock-backup/drydock/sdk/compresstest"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/host"
)

// What the benchmark compresses: frames as an archive cuts them.
const (
	benchFrame  = 4 << 20
	benchFrames = 32
	benchSlots  = 2
)

// BenchmarkCompress compares the compressor called in process with the same in a process of its own, at level fastest on
// InnoDB pages, two frames at once.
func BenchmarkCompress(b *testing.B) {
	data := compresstest.Pages(1, 8*benchFrame/compresstest.PageSize)
	frame := func(i int) []byte { return data[i%8*benchFrame:][:benchFrame] }
	b.Run("in-process", func(b *testing.B) {
		c := open(b, `{}`)
		b.SetBytes(benchFrame * benchFrames)
		for b.Loop() {
			inParallel(func(worker int) error {
				dst := make([]byte, 0, c.Bound(benchFrame))
				in := make([]byte, benchFrame)
				for i := worker; i < benchFrames; i += benchSlots {
					copy(in, frame(i)) // as the other one has to
					if _, err := c.Compress(dst, in); err != nil {
						return err
					}
				}
				return nil
			}, b)
		}
	})
	b.Run("spawned", func(b *testing.B) {
		p := conformance.Start(b, conformance.Self(b, "compress", "zstd"), map[string]any{})
		frames, err := p.Frames(b.Context(), host.FrameOptions{FrameSize: benchFrame, Slots: benchSlots})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(benchFrame * benchFrames)
		for b.Loop() {
			inParallel(func(worker int) error {
				for i := worker; i < benchFrames; i += benchSlots {
					slot, err := frames.Slot(b.Context())
					if err != nil {
						return err
					}
					if _, err := slot.Compress(b.Context(), copy(slot.In(), frame(i))); err != nil {
						return err
					}
					slot.Release()
				}
				return nil
			}, b)
		}
		b.ReportMetric(float64(conformance.Resident(p.PID()))/(1<<20), "MiB-resident")
		if err := frames.Close(); err != nil {
			b.Error(err)
		}
	})
}

// inParallel runs work in benchSlots goroutines and waits for them.
func inParallel(work func(worker int) error, b *testing.B) {
	var wg sync.WaitGroup
	for worker := range benchSlots {
		wg.Go(func() {
			if err := work(worker); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}
