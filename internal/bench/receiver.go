package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/install"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// receiver compares the target receiver with a plain copy over TLS and with other programs.
func (b *bench) receiver() {
	for _, component := range []string{install.Movers, install.RestServer} {
		if err := install.Install(b.ctx(), component, os.Stdout); err != nil {
			b.t.Fatal(err)
		}
	}
	r := testenv.NewReceiver(b.t, testenv.ReceiverSettings{})
	client := r.Enroll(b.t, "bench")
	b.throughput(r, client)
	b.movers(r, client)
}

// throughput moves one file to the receiver, and as a plain copy between two Go processes with the same certificates and the
// same cipher, in turn. Both ends write the file and flush it; the receiver reads it back and compares digests as well.
func (b *bench) throughput(r *testenv.Receiver, client map[string]any) {
	from := b.noise()
	chunks := b.transferChunks(from)
	name := filepath.Join(b.dir, "plain")
	stored, dropped := b.plain(r, client, name), b.plain(r, client, "")
	ours, err := stored.cipher(b.ctx(), r.Address)
	if err != nil {
		b.t.Fatal(err)
	}
	theirs, err := stored.cipher(b.ctx(), stored.addr)
	if err != nil || theirs != ours {
		b.t.Fatalf("ciphers %s and %s, error %v", ours, theirs, err)
	}
	store, err := b.provider("storage", "receiver", client).Storage()
	if err != nil {
		b.t.Fatal(err)
	}
	var times [3][]float64
	ways := []func(i int) error{
		func(i int) error { return b.upload(store, fmt.Sprint("ours-", i), chunks) },
		func(int) error { return stored.copy(b.ctx(), from, transferSize) },
		func(int) error { return dropped.copy(b.ctx(), from, transferSize) },
	}
	for i := range 2*b.rounds + 1 {
		for j := range ways {
			way := (i + j) % len(ways) // each goes first as often as the others
			took := b.timed(func() error { return ways[way](i) })
			if i > 0 { // the first round warms up
				times[way] = append(times[way], took)
			}
		}
		if err := store.Delete(b.ctx(), fmt.Sprint("ours-", i)); err != nil {
			b.t.Fatal(err)
		}
		_ = os.Remove(name) // written anew
	}
	x, y, z := median(times[0]), median(times[1]), median(times[2])
	fmt.Printf("  %d MiB over loopback, %s, medians of %d: receiver %.0f MiB/s, plain copy over TLS %.0f MiB/s; ratio %.2f "+
		"(wanted: at least 0.85)\n", transferSize>>20, ours, len(times[0]), speed(x), speed(y), y/x)
	fmt.Printf("  for scale: a plain copy that writes nothing %.0f MiB/s\n", speed(z))
}

func speed(seconds float64) float64 { return transferSize / seconds / (1 << 20) }

// movers moves the same file with other programs, in turn, from the start of the client's process to its end.
func (b *bench) movers(r *testenv.Receiver, client map[string]any) {
	from := b.noise()
	chunks := b.transferChunks(from)
	all := testenv.Movers(b.t, r, client)
	mine := testenv.Mover{Name: "receiver", Move: func(_ string, round int) {
		p := b.provider("storage", "receiver", client)
		store, err := p.Storage()
		if err == nil {
			err = b.upload(store, fmt.Sprint("moved-", round), chunks)
		}
		if err == nil {
			err = p.Stop(b.ctx())
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}, Dir: filepath.Join(r.Root, "bench")}
	all = append([]testenv.Mover{mine}, all...)
	times := make([][]float64, len(all))
	for i := range b.rounds + 1 {
		for j := range all {
			k := (i + j) % len(all)
			m := all[k]
			if m.Prepare != nil {
				m.Prepare(i)
			}
			took := b.timed(func() error { m.Move(from.Name(), i); return nil })
			if i > 0 {
				times[k] = append(times[k], took)
			}
			b.empty(m.Dir)
		}
	}
	for k, m := range all {
		x := median(times[k])
		fmt.Printf("  %-22s %5.0f MiB/s; receiver ÷ this: %.2f (wanted: more than 1)\n", m.Name, speed(x), x/median(times[0]))
	}
}

// empty removes what is in a directory.
func (b *bench) empty(dir string) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if err == nil {
			err = os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

const (
	crowdAgents = 64
	crowdSize   = 32 << 20 // bytes that each agent sends
	crowdPart   = 8 << 20
)

// receiverAgents has many agents at once, each a provider process with a certificate of its own.
func (b *bench) receiverAgents() {
	r := testenv.NewReceiver(b.t, testenv.ReceiverSettings{})
	chunks := b.cut(b.noise(), crowdSize, crowdPart)
	stores := make([]storage.Storage, crowdAgents)
	for i := range stores {
		s, err := b.provider("storage", "receiver", r.Enroll(b.t, fmt.Sprint("agent-", i))).Storage()
		if err != nil {
			b.t.Fatal(err)
		}
		stores[i] = s
	}
	took := make([]float64, crowdAgents)
	failed := make([]error, crowdAgents)
	began := time.Now()
	var wg sync.WaitGroup
	for i, s := range stores {
		wg.Go(func() {
			failed[i] = b.upload(s, "Data.zip", chunks)
			took[i] = time.Since(began).Seconds()
		})
	}
	wg.Wait()
	all := time.Since(began).Seconds()
	for i, err := range failed {
		if err != nil {
			b.t.Fatalf("agent %d: %v", i, err)
		}
	}
	x, slowest := median(took), slices.Max(took)
	fmt.Printf("  %d agents at once, %d MiB each: all complete in %.1f s, %.0f MiB/s; slowest %.1f s, median %.1f s: %.2f times "+
		"(wanted: at most 3)\n", crowdAgents, crowdSize>>20, all, crowdAgents*crowdSize/all/(1<<20), slowest, x, slowest/x)
	fmt.Printf("  peak memory of the receiver: %.0f MiB (wanted: under 200)\n", mib(b.highest(r.PID())))
}

// highest returns the largest resident memory that a process has had.
func (b *bench) highest(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if field := strings.Fields(line); len(field) == 3 && field[0] == "VmHWM:" {
			kb, err := strconv.ParseInt(field[1], 10, 64)
			if err != nil {
				b.t.Fatal(err)
			}
			return kb << 10
		}
	}
	b.t.Fatalf("process %d does not say how much memory it had", pid)
	return 0
}
