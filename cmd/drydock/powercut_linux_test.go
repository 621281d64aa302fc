package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/faultfs"
)

// cuts is the environment variable that says in how many disk states TestPowerCut brings the whole host up: a number for
// each recorded run, or "all". `make powercut` sets it.
const cuts = "DRYDOCK_POWER_CUTS"

// The power goes at each fsync of a run, and state, spool and target hold what was synced, or a part of what was not as
// well. Whatever that is: the state file opens and holds what was promised, nothing false looks like a backup; and, in a
// sample, MySQL comes up, what waited is shipped, and the next run succeeds (R3.7, R5.1, R9.3).
func TestPowerCut(t *testing.T) {
	t.Parallel()
	var tally cutTally
	names := []string{"after-ship", "after-capture"}
	if os.Getenv(cuts) != "" { // on both products
		names = append(names, names...)
	}
	f := farm{next: each(names), work: func(t *testing.T, s *testenv.Server, restart string) {
		h := newDiskSite(t, s)
		h.writeDiskJob(t, restart)
		h.run(t, exitDone)
		p := &powerCut{diskSite: h, ops: h.disk.Journal.Ops(), tally: &tally, seen: map[[32]byte]bool{}}
		h.disk.Unmount()
		p.lookAtAll(t)
		p.bringUpSome(t)
	}}
	f.run(t)
	t.Logf("power cuts: %d runs recorded, %d fsyncs, %d distinct disk states looked into, the host brought up in %d, %d lost",
		f.done, tally.syncs.Load(), tally.states.Load(), tally.up.Load(), tally.lost.Load())
	if f.done < len(names) || tally.up.Load() == 0 {
		t.Errorf("%d of %d runs, brought up %d times", f.done, len(names), tally.up.Load())
	}
}

type cutTally struct{ syncs, states, up, lost atomic.Int64 }

// powerCut is one recorded run.
type powerCut struct {
	*diskSite
	ops   []faultfs.Op
	tally *cutTally
	seen  map[[32]byte]bool
	found []cut
}

// cut is a moment of a recorded run, and what the disk may hold when the power goes then.
type cut struct {
	at    int // operations that were done
	how   string
	state faultfs.State
}

func (c cut) String() string { return fmt.Sprintf("after operation %d, %s", c.at, c.how) }

// lookAtAll replays the run, cuts the power before and after every fsync, and looks at what the disk holds.
func (p *powerCut) lookAtAll(t *testing.T) {
	replay := faultfs.NewReplay()
	for i, o := range p.ops {
		sync := o.Kind == faultfs.Sync || o.Kind == faultfs.SyncDir
		if sync {
			p.tally.syncs.Add(1)
			p.cutAt(replay, i)
		}
		replay.Do(o)
		if sync || i == len(p.ops)-1 {
			p.cutAt(replay, i+1)
		}
	}
	for _, c := range p.found {
		p.tally.states.Add(1)
		p.look(t, c)
		if t.Failed() {
			p.tally.lost.Add(1)
			t.Fatal(c)
		}
	}
}

func (p *powerCut) cutAt(r *faultfs.Replay, at int) {
	p.add(cut{at, "what was synced", r.Cut(faultfs.Strict())})
	p.add(cut{at, "everything", r.Cut(faultfs.Everything())})
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, uint64(at)))
		p.add(cut{at, fmt.Sprintf("what was synced and some more (seed %d)", seed), r.Cut(faultfs.Loose(random))})
	}
}

// add keeps a state that was not there before.
func (p *powerCut) add(c cut) {
	sum := sha256.New()
	names := make([]string, 0, len(c.state))
	for name := range c.state {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(sum, "%q %d\n", name, len(c.state[name]))
		sum.Write(c.state[name])
	}
	fmt.Fprint(sum, p.phase(c.at))
	key := [32]byte(sum.Sum(nil))
	if !p.seen[key] {
		p.seen[key] = true
		p.found = append(p.found, c)
	}
}

// phase tells what had been done to the server by then: "", stopMark or startMark.
func (p *powerCut) phase(at int) string {
	phase := ""
	for _, o := range p.ops[:at] {
		if o.Kind == faultfs.Create && (o.Path == stopMark || o.Path == startMark) {
			phase = o.Path
		}
	}
	return phase
}

// bringUpSome brings the host up in a sample of the states.
func (p *powerCut) bringUpSome(t *testing.T) {
	few := 4
	if n, err := strconv.Atoi(os.Getenv(cuts)); err == nil {
		few = n
	} else if os.Getenv(cuts) == "all" {
		few = len(p.found)
	}
	few = min(few, len(p.found))
	for i := range few {
		c := p.found[(2*i+1)*len(p.found)/(2*few)]
		if !t.Run(c.String(), func(t *testing.T) { p.bringUp(t, c) }) {
			p.tally.lost.Add(1)
		}
		p.tally.up.Add(1)
	}
}

// bringUp is the host after the power is back.
func (p *powerCut) bringUp(t *testing.T, c cut) {
	p.server.Kill(t)
	for _, name := range []string{p.server.Socket, p.server.Socket + ".lock", p.server.PIDFile} { // /run is empty after a boot
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(p.root, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range left {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.state.Write(p.root, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(p.target, 0o700); err != nil {
		t.Fatal(err)
	}
	pending, store := p.pending(t, c)
	if store != nil {
		_ = store.Close()
	}
	if !pending {
		p.server.Start(t) // as the host does with a server that nobody had stopped
	}
	drydock(t, p.args("recover", "--file", p.job)...).want(t, exitDone)
	p.wantUp(t)
	drydock(t, p.args("resume", "--file", p.job)...).want(t, exitDone)
	p.wantAlive(t)
	for _, row := range p.rows(t) {
		if row.Status == "running" || row.Status == "waiting" {
			t.Errorf("run %s is still %s", row.RunID, row.Status)
		}
	}
}

// digestAt reports whether a file on the disk has the bytes of a chunk at its place.
func digestAt(data []byte, off, length int64, want [32]byte) bool {
	return int64(len(data)) >= off+length && sha256.Sum256(data[off:off+length]) == want
}

// below lists the files of a state below a directory, without directories.
func below(s faultfs.State, dir string) (names []string) {
	for name, data := range s {
		if data != nil && strings.HasPrefix(name, dir+"/") {
			names = append(names, name)
		}
	}
	return names
}

func short(sum [32]byte) string { return hex.EncodeToString(sum[:4]) }
