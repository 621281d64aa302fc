package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"time"

	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// footprints prints what one provider of each kind adds to the resident memory of a host, idle and at work.
//
// Added is the memory of all drydock processes with the provider minus the same without it, pages that several of them map
// counted once: the sums of their proportional set sizes. The process that is there without it stands for the agent, which
// runs the same binary and so has its code in memory anyway. Frames are shared with the agent, which holds them while it
// reads and writes; a compressor in process would need the same buffers. They are printed, but not counted.
func (b *bench) footprints(source string) {
	fmt.Println("  memory that a provider adds to a running drydock (wanted: at most 30 MiB):")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	b.footprint("storage", "file", map[string]string{"path": b.dir}, func(p *host.Process) { b.storeOnce(p, source) })
	for _, name := range []string{"zstd", "deflate", "store"} {
		b.footprint("compress", name, struct{}{}, func(p *host.Process) { b.compressOnce(p, source) })
	}
	b.footprint("notify", "webhook", map[string]string{"url": server.URL}, func(p *host.Process) { b.notifyOften(p) })
}

// footprint measures one provider. The peak at work is that of samples.
func (b *bench) footprint(kind, name string, config any, work func(*host.Process)) {
	other := b.provider(kind, name, config)
	without := b.mapped(other)
	p := b.provider(kind, name, config)
	idle, alone := b.mapped(other).add(b.mapped(p)), b.mapped(p)

	ctx, cancel := context.WithCancel(b.ctx())
	var all, own memory
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for ctx.Err() == nil {
			now := b.mapped(p)
			all, own = all.max(b.mapped(other).add(now)), own.max(now)
			<-tick.C
		}
	}()
	work(p)
	cancel()
	<-done
	fmt.Printf("    %-8s %-8s idle %4.1f MiB (resident %.0f, private %.0f); at work %4.1f MiB (resident %.0f, private %.0f, frames %.0f)\n",
		kind, name, mib(idle.own()-without.own()), mib(alone.rss), mib(alone.private),
		mib(all.own()-without.own()), mib(own.rss), mib(own.private), 2*mib(own.shmem))
	for _, x := range []*host.Process{p, other} {
		if err := x.Stop(b.ctx()); err != nil {
			b.t.Fatal(err)
		}
	}
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// mapped is a provider's memory.
func (b *bench) mapped(p *host.Process) memory {
	m, _ := rollup(fmt.Sprintf("/proc/%d/smaps_rollup", p.PID()))
	return m
}

// storeOnce puts one object, as a run does.
func (b *bench) storeOnce(p *host.Process, source string) {
	s, err := p.Storage()
	if err == nil {
		err = b.put(s, "footprint", b.chunks(source))
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// compressOnce compresses a tablespace with as many frames in the works as a run has: one for each core, and six more.
func (b *bench) compressOnce(p *host.Process, source string) {
	slots := cores() + 6
	frames, err := p.Frames(b.ctx(), host.FrameOptions{FrameSize: frameSize, Slots: slots})
	if err != nil {
		b.t.Fatal(err)
	}
	data := b.load(source)
	err = b.parallel(slots, len(data), func(at int) error { return b.compressOutside(frames, data[at:]) })
	if err == nil {
		err = frames.Close()
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) notifyOften(p *host.Process) {
	n, err := p.Notifier()
	for i := 0; i < 200 && err == nil; i++ {
		err = n.Send(b.ctx(), notify.Event{ID: fmt.Sprint(i), Type: "test", Severity: notify.Info, Time: time.Now(), Summary: "bench"})
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// chunks cuts the start of a file into chunks as a spool holds them.
func (b *bench) chunks(source string) []storage.Chunk {
	data := b.load(source)
	var all []storage.Chunk
	for at := 0; at+chunkSize <= len(data); at += chunkSize {
		all = append(all, chunkOf(data[at:at+chunkSize], len(all), filepath.Clean(source), int64(at)))
	}
	return all
}
