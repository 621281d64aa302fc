package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/plugins/compress/zstd"
	"github.com/drydock-backup/drydock/plugins/storage/file"
	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/storage"
)

const (
	frameSize = 2 << 20 // as the agent does
	chunkSize = 64 << 20
	sample    = 768 << 20 // bytes of a real tablespace that go through
)

// plugins compares providers in processes of their own with the same code called in process.
func (b *bench) plugins() {
	source := filepath.Join(b.dataDir, "bench", "sbtest1.ibd")
	b.startUp()
	b.footprints(source)
	b.compressors(source)
	b.stores(source, "on the disk", b.dir)
	if dir, err := os.MkdirTemp(inMemory, "drydock-bench-"); err == nil {
		b.t.Cleanup(func() { _ = os.RemoveAll(dir) })
		b.stores(source, "in memory, where nothing waits for a disk", dir)
	}
}

// inMemory is where Linux keeps files in memory.
const inMemory = "/dev/shm"

// provider starts one as the agent does.
func (b *bench) provider(kind, name string, config any) *host.Process {
	sockets, err := os.MkdirTemp("", "drydock-b")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	p, err := host.Start(b.ctx(), host.Command{
		Kind: kind, Name: name, Path: b.binary, Args: []string{"plugin", "serve", kind, name}, SocketDir: sockets,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = p.Stop(b.ctx()) })
	text, err := json.Marshal(config)
	if err != nil {
		b.t.Fatal(err)
	}
	if diags, err := p.Configure(b.ctx(), text); err != nil || len(diags) > 0 {
		b.t.Fatalf("configure %s %s: %v %v", kind, name, err, diags)
	}
	return p
}

// startUp measures what a provider adds to the start of a run.
func (b *bench) startUp() {
	var took []float64
	for range 3 * b.rounds {
		began := time.Now()
		p := b.provider("storage", "file", map[string]string{"path": b.dir})
		took = append(took, time.Since(began).Seconds()*1000)
		if err := p.Stop(b.ctx()); err != nil {
			b.t.Fatal(err)
		}
	}
	fmt.Printf("  start and configuration of a provider, median of %d: %.0f ms (wanted: at most 150)\n", len(took), median(took))
}

// timed returns how long f takes.
func (b *bench) timed(f func() error) float64 {
	began := time.Now()
	if err := f(); err != nil {
		b.t.Fatal(err)
	}
	return time.Since(began).Seconds()
}

// compressors puts frames of InnoDB pages through zstd at level fastest, as many at once as there are cores.
func (b *bench) compressors(source string) {
	data := b.load(source)
	inside, diags, err := zstd.Provider().Open(b.ctx(), []byte("{}"))
	if err != nil || len(diags) > 0 {
		b.t.Fatal(err, diags)
	}
	p := b.provider("compress", "zstd", struct{}{})
	frames, err := p.Frames(b.ctx(), host.FrameOptions{FrameSize: frameSize, Slots: cores()})
	if err != nil {
		b.t.Fatal(err)
	}
	ways := []struct {
		times []float64
		frame func(data []byte) error
	}{
		{frame: func(data []byte) error { return compressInside(inside, data) }},
		{frame: func(data []byte) error { return b.compressOutside(frames, data) }},
	}
	for i := range 2*b.rounds + 1 {
		for j := range ways {
			w := &ways[(i+j)%2] // each goes first in half of the rounds
			took := b.timed(func() error {
				return b.parallel(cores(), len(data), func(at int) error { return w.frame(data[at:]) })
			})
			if i > 0 { // the first round warms up
				w.times = append(w.times, took)
			}
		}
	}
	in, out := median(ways[0].times), median(ways[1].times)
	fmt.Printf("  zstd, %d MB of InnoDB pages, medians of %d: in process %.2f s, as a plugin %.2f s; %+.1f %% (wanted: at most +10 %%)\n",
		len(data)/1e6, 2*b.rounds, in, out, 100*(out/in-1))
	if err := frames.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// load reads the start of a file into memory, in whole frames.
func (b *bench) load(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, sample))
	if err != nil {
		b.t.Fatal(err)
	}
	return data[:len(data)/frameSize*frameSize]
}

// parallel calls f for the offset of every frame.
func (b *bench) parallel(workers, size int, f func(at int) error) error {
	offsets := make(chan int)
	failed := make(chan error, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for at := range offsets {
				if err := f(at); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for at := 0; at < size; at += frameSize {
		offsets <- at
	}
	close(offsets)
	wg.Wait()
	close(failed)
	return <-failed
}

func compressInside(c compress.Compressor, data []byte) error {
	// A copy of the input, because the other way has one as well: an agent reads files into memory somewhere.
	frame := append(make([]byte, 0, frameSize), data[:frameSize]...)
	_, err := c.Compress(make([]byte, 0, c.Bound(frameSize)), frame)
	return err
}

func (b *bench) compressOutside(f *host.Frames, data []byte) error {
	slot, err := f.Slot(b.ctx())
	if err != nil {
		return err
	}
	defer slot.Release()
	_, err = slot.Compress(b.ctx(), copy(slot.In(), data[:frameSize]))
	return err
}

// stores writes the same chunks through the file provider, in process and as a plugin, below a directory.
func (b *bench) stores(source, where, dir string) {
	chunks := b.chunks(source)
	dirs := [2]string{filepath.Join(dir, "inside"), filepath.Join(dir, "outside")}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			b.t.Fatal(err)
		}
	}
	config, err := json.Marshal(map[string]string{"path": dirs[0]})
	if err != nil {
		b.t.Fatal(err)
	}
	inside, diags, err := file.Provider().Open(b.ctx(), config)
	if err != nil || len(diags) > 0 {
		b.t.Fatal(err, diags)
	}
	outside, err := b.provider("storage", "file", map[string]string{"path": dirs[1]}).Storage()
	if err != nil {
		b.t.Fatal(err)
	}
	var in, out []float64
	// Each goes first in half of the rounds: the disk is faster for whoever finds it idle.
	for i := range 8*b.rounds + 2 {
		s, times := inside, &in
		if i/2%2 == i%2 {
			s, times = outside, &out
		}
		key := fmt.Sprintf("round-%d", i)
		took := b.timed(func() error { return b.put(s, key, chunks) })
		if i > 1 { // the first two warm up
			*times = append(*times, took)
		}
	}
	fmt.Printf("  file target %s, %d chunks of %d MiB, medians of %d: in process %.2f s, as a plugin %.2f s; %+.1f %% (wanted: at most +5 %%)\n",
		where, len(chunks), chunkSize>>20, len(in), median(in), median(out), 100*(median(out)/median(in)-1))
}

// chunkOf describes a chunk that lies in a file.
func chunkOf(data []byte, index int, file string, offset int64) storage.Chunk {
	return storage.Chunk{Index: index, Length: int64(len(data)), SHA256: sha256.Sum256(data), File: file, FileOffset: offset}
}

// put stores one object, two chunks at a time, and deletes it again.
func (b *bench) put(s storage.Storage, key string, chunks []storage.Chunk) error {
	ctx := b.ctx()
	token, err := s.Begin(ctx, storage.Upload{Key: key, ChunkSize: chunkSize})
	if err != nil {
		return err
	}
	err = b.parallel(cores(), len(chunks)*frameSize, func(at int) error { return s.PutChunk(ctx, token, chunks[at/frameSize]) })
	if err == nil {
		err = s.Commit(ctx, token, int64(len(chunks))*chunkSize)
	}
	if err == nil {
		err = s.Delete(ctx, key)
	}
	return err
}
