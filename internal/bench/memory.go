package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// sampleEvery is how often memory is looked at.
const sampleEvery = 20 * time.Millisecond

// memory prints the peak of all processes of a run together, for a small data directory and for a huge sparse one.
func (b *bench) memory() {
	s := testenv.MySQL(b.t)
	s.Fill(b.t, testenv.FillOptions{BigMB: 300})
	s.Stop(b.t)
	b.peak("300 MB", "small", s.DataDir)
	b.sparse(s.DataDir, 20<<30)
	b.peak("20 GB sparse", "sparse", s.DataDir)
}

// sparse adds a file that is nearly all holes, as a large tablespace after a purge is. Its pages have no checksums, so it is
// not named as one.
func (b *bench) sparse(dataDir string, size int64) {
	f, err := os.Create(filepath.Join(dataDir, "sparse.dat"))
	if err != nil {
		b.t.Fatal(err)
	}
	page := bytes.Repeat([]byte("drydock "), 2048)
	for at := int64(0); at < size; at += size / 64 {
		if _, err := f.WriteAt(page, at); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) peak(what, name, dataDir string) {
	file, _ := b.job(name, dataDir)
	ctx, cancel := context.WithCancel(b.ctx())
	var top usage
	done := make(chan struct{})
	go func() {
		defer close(done)
		top = watch(ctx, b.binary)
	}()
	r := b.once(b.command(file))
	cancel()
	<-done
	fmt.Printf("  %s: peak of all %d processes together %d MiB (shared pages counted once), %d MiB as the sum of resident sets; "+
		"%.1f s (wanted: under 256 MiB)\n", what, top.processes, top.pss>>20, top.rss>>20, r.seconds)
}

// usage is the memory of a set of processes.
type usage struct {
	memory
	processes int
}

// memory is what smaps_rollup tells, in bytes.
type memory struct {
	pss, rss int64
	private  int64
	shmem    int64 // the part of pss that is shared memory: frames
}

// own is the proportional set without the frames.
func (m memory) own() int64 { return m.pss - m.shmem }

func (m memory) add(o memory) memory {
	return memory{m.pss + o.pss, m.rss + o.rss, m.private + o.private, m.shmem + o.shmem}
}

// max is the larger one of each.
func (m memory) max(o memory) memory {
	return memory{max(m.pss, o.pss), max(m.rss, o.rss), max(m.private, o.private), max(m.shmem, o.shmem)}
}

// watch returns the highest usage of all processes that run a binary, until ctx ends.
func watch(ctx context.Context, binary string) usage {
	var top usage
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return top
		case <-tick.C:
			now := look(binary)
			top.memory, top.processes = top.max(now.memory), max(top.processes, now.processes)
		}
	}
}

func look(binary string) usage {
	var sum usage
	exes, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, exe := range exes {
		if path, err := os.Readlink(exe); err != nil || path != binary {
			continue
		}
		if m, ok := rollup(filepath.Join(filepath.Dir(exe), "smaps_rollup")); ok {
			sum.memory, sum.processes = sum.add(m), sum.processes+1
		}
	}
	return sum
}

// rollup reads a process's memory; a process that is gone is not ok.
func rollup(path string) (m memory, ok bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return m, false
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		field := strings.Fields(lines.Text())
		if len(field) < 2 {
			continue
		}
		kb, err := strconv.ParseInt(field[1], 10, 64)
		if err != nil {
			continue
		}
		switch n := kb << 10; field[0] {
		case "Pss:":
			m.pss = n
		case "Rss:":
			m.rss = n
		case "Private_Clean:", "Private_Dirty:":
			m.private += n
		case "Pss_Shmem:":
			m.shmem = n
		}
	}
	return m, m.pss > 0
}
