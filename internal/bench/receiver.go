package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
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
// same cipher, in turn. Both write the file and flush it; the receiver reads it back and compares digests as well.
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
	p := b.provider("storage", "receiver", client)
	store, err := p.Storage()
	if err != nil {
		b.t.Fatal(err)
	}
	self := os.Getpid()
	ways := []*way{
		{move: func(i int) error { return b.upload(store, fmt.Sprint("ours-", i), chunks) }, pids: []int{self, p.PID(), r.PID()}},
		{move: func(int) error { return stored.copy(b.ctx(), from, transferSize) }, pids: []int{self, stored.pid}},
		{move: func(int) error { return dropped.copy(b.ctx(), from, transferSize) }, pids: []int{self, dropped.pid}},
	}
	for i := range 2*b.rounds + 1 {
		for j := range ways {
			b.measured(ways[(i+j)%len(ways)], i) // each goes first as often as the others
		}
		if err := store.Delete(b.ctx(), fmt.Sprint("ours-", i)); err != nil {
			b.t.Fatal(err)
		}
		_ = os.Remove(name) // written anew
	}
	x, y, z := median(ways[0].times), median(ways[1].times), median(ways[2].times)
	fmt.Printf("  %d MiB over loopback, %s, medians of %d: receiver %.0f MiB/s, plain copy over TLS and a flush "+
		"%.0f MiB/s; ratio %.2f (wanted: at least 0.85)\n", transferSize>>20, ours, len(ways[0].times), speed(x), speed(y), y/x)
	fmt.Printf("  processor time of both ends: receiver %.2f s, plain copy %.2f s\n", median(ways[0].spent), median(ways[1].spent))
	fmt.Printf("  for scale: a plain copy that writes nothing %.0f MiB/s, %.2f s\n", speed(z), median(ways[2].spent))
}

// way is one way to move the file, with the processes of its two ends, and what its rounds took, in seconds.
type way struct {
	move         func(round int) error
	pids         []int
	times, spent []float64
}

// measured does one round, of which the first only warms up.
func (b *bench) measured(w *way, round int) {
	b.settle()
	before := b.spent(w.pids)
	took := b.timed(func() error { return w.move(round) })
	if round > 0 {
		w.times, w.spent = append(w.times, took), append(w.spent, b.spent(w.pids)-before)
	}
}

// settle brings to the disk what earlier rounds have left, so that nobody pays for somebody else.
func (b *bench) settle() {
	if err := exec.CommandContext(b.ctx(), "sync").Run(); err != nil {
		b.t.Fatal(err)
	}
}

// spent returns the processor time of processes, in seconds.
func (b *bench) spent(pids []int) float64 {
	const ticks = 100 // per second, in what Linux tells processes
	var sum int64
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			b.t.Fatal(err)
		}
		after := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from the third field on, see proc_pid_stat(5)
		for _, field := range after[11:13] {
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				b.t.Fatal(err)
			}
			sum += n
		}
	}
	return float64(sum) / ticks
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
			b.settle()
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
