package ship_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// errCrash is the cause of a context that stands for the end of a process.
var errCrash = errors.New("the agent died")

// world is what survives a process: the spool, the state file and the targets.
type world struct {
	data   []byte
	dir    string
	stores map[string]dirStore
	labels []string
}

const runID = "run1"

func (w *world) statePath() string { return state.Path(w.dir, "orders") }

// chaos makes the calls of one process go wrong, and the process die after so many of them.
type chaos struct {
	mu    sync.Mutex
	rnd   *rand.Rand
	odds  float64 // of each kind of trouble, for each call
	life  int     // calls until the process dies; below 0 it lives on
	crash context.CancelCauseFunc
}

func (c *chaos) hit(odds float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rnd.Float64() < odds
}

func (c *chaos) pick(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rnd.IntN(n)
}

// tick counts calls, and ends the process when its time has come.
func (c *chaos) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life--; c.life == 0 {
		c.crash(errCrash)
	}
}

func (c *chaos) trouble(ctx context.Context, op string) error {
	c.tick()
	switch {
	case c.hit(c.odds):
		return errs.New(errs.Transient, "connection reset")
	case c.hit(c.odds / 4):
		return &errs.Error{Kind: errs.Throttled, RetryAfter: time.Millisecond}
	case op != "abort" && c.hit(c.odds/20):
		return errs.New(errs.Permission, "not now")
	}
	return ctx.Err()
}

// on returns a store whose calls go wrong: before and after they have done their work, on the wire and on the disk.
func (c *chaos) on(s dirStore, chunks []spool.Chunk) storage.Storage {
	return faulty{
		Storage: s,
		before:  func(ctx context.Context, op string, _ int) error { return c.trouble(ctx, op) },
		after: func(ctx context.Context, op string, _ int) error {
			if (op == "put" || op == "commit") && c.hit(c.odds/4) {
				c.rot(s)
			}
			return c.trouble(ctx, op)
		},
		onWire: func(chunk storage.Chunk) storage.Chunk {
			if c.hit(c.odds) {
				chunk.File = chunks[c.pick(len(chunks))].Path // somebody else's bytes, or a file that is gone
			}
			return chunk
		},
	}
}

// rot changes one of the files that a store has: a chunk or, worse, the object itself.
func (c *chaos) rot(s dirStore) {
	files, _ := filepath.Glob(s.chunk("*", 0)[:len(s.chunk("*", 0))-len("00000000.chunk")] + "*.chunk")
	objects, _ := filepath.Glob(filepath.Join(s.dir, "objects", "*"))
	files = append(files, objects...)
	if len(files) == 0 {
		return
	}
	path := files[c.pick(len(files))]
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		return
	}
	switch c.pick(3) {
	case 0:
		data[c.pick(len(data))] ^= 0x40
	case 1:
		data = data[:c.pick(len(data))]
	case 2:
		data = append(data, 'x')
	}
	_ = os.WriteFile(path, data, 0o600) // a file that cannot be spoiled stays good
}

// Whatever fails, dies and rots on the way: what is reported as committed is, byte for byte, what was captured; and a
// target that did not get it says why. (R5.1 to R5.4, R8.3, R8.4)
func TestNothingButTheSourceIsEverCommitted(t *testing.T) {
	noLeaks(t)
	root := t.TempDir()
	committed, failed, rounds := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		must(rt, err)
		w := build(rt, dir, rapid.IntRange(0, 9*chunkSize).Draw(rt, "bytes"), rapid.IntRange(1, 3).Draw(rt, "targets"))
		odds := rapid.SampledFrom([]float64{0.02, 0.1, 0.3}).Draw(rt, "odds")
		for range rapid.IntRange(1, 4).Draw(rt, "processes") {
			rounds++
			w.process(rt, &chaos{rnd: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1)), odds: odds,
				life: rapid.OneOf(rapid.Just(-1), rapid.IntRange(1, 80)).Draw(rt, "life")})
		}
		// Without trouble the first process may still find, and delete, an object that rotted before it was read back. The
		// second has nothing but its own work to do.
		w.process(rt, &chaos{rnd: rand.New(rand.NewPCG(1, 1)), life: -1})
		for label, err := range w.process(rt, &chaos{rnd: rand.New(rand.NewPCG(1, 1)), life: -1}) {
			if err == nil {
				committed++
				continue
			}
			failed++
			if !errs.Is(err, errs.NotFound) || !bytes.Contains([]byte(err.Error()), []byte(label)) {
				rt.Errorf("without trouble: %v", err)
			}
		}
	})
	t.Logf("%d processes with trouble; in the end %d targets have the artifact, %d lost chunks for good", rounds, committed, failed)
	if committed < failed {
		t.Error("the chaos leaves too little to see")
	}
}

func build(rt *rapid.T, dir string, size, targets int) *world {
	w := &world{data: noise(size), dir: dir, stores: map[string]dirStore{}}
	s, err := spool.Create(filepath.Join(dir, "spool", runID))
	must(rt, err)
	sw := s.Writer(context.Background(), chunkSize, func(spool.Chunk) error { return nil })
	_, err = sw.Write(w.data)
	must(rt, err)
	n, chunks, err := sw.Finish()
	must(rt, err)
	for i := range targets {
		label := fmt.Sprintf("t%d", i)
		store := dirStore{dir: filepath.Join(dir, label), mu: &sync.Mutex{}}
		must(rt, errors.Join(os.MkdirAll(filepath.Join(store.dir, "objects"), 0o700), os.MkdirAll(store.upload(""), 0o700)))
		w.labels, w.stores[label] = append(w.labels, label), store
	}
	st, err := state.Open(context.Background(), w.statePath())
	must(rt, err)
	must(rt, st.CreateRun(state.Run{ID: runID, Job: "orders", Status: state.Waiting, Started: time.Now()}))
	must(rt, st.SetWhole(runID, state.Artifact{Key: key, ChunkSize: chunkSize, Size: n}, chunks))
	must(rt, st.Close())
	return w
}

// process is the life of one process: it knows what is on the disks and nothing else. It returns how each target ended.
func (w *world) process(rt *rapid.T, c *chaos) map[string]error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	c.crash = cancel
	st, err := state.Open(context.Background(), w.statePath())
	must(rt, err)
	defer func() { must(rt, st.Close()) }()
	sp, err := spool.Open(filepath.Join(w.dir, "spool", runID))
	must(rt, err)
	chunks, err := st.Chunks(runID)
	must(rt, err)
	targets, out := w.targets(rt, st, c, chunks)
	if len(targets) == 0 {
		return out
	}
	o := quick()
	o.Size, o.Journal, o.Keep = int64(len(w.data)), st.Journal(runID), true
	o.Release = func(ch spool.Chunk) { must(rt, sp.Remove(ch.Index)) }
	s, err := ship.Start(ctx, targets, o)
	must(rt, err)
	for _, ch := range chunks {
		if err := s.Offer(ch); err != nil && ctx.Err() == nil {
			rt.Errorf("offer: %v", err)
		}
	}
	s.Finish()
	for i, r := range s.Wait(ctx) {
		err := r.Err
		if err == nil {
			err = ship.Commit(ctx, targets[i], r.Token, key, int64(len(w.data)), chunks, o)
		}
		w.judge(rt, st, r.Label, err)
		out[r.Label] = err
	}
	return out
}

// targets returns those that are not committed yet, with the tokens of earlier processes.
func (w *world) targets(rt *rapid.T, st *state.Store, c *chaos, chunks []spool.Chunk) ([]ship.Target, map[string]error) {
	known, err := st.Targets(runID)
	must(rt, err)
	byLabel := map[string]state.Target{}
	for _, k := range known {
		byLabel[k.Label] = k
	}
	out := map[string]error{}
	var targets []ship.Target
	for _, label := range w.labels {
		if byLabel[label].Committed {
			out[label] = nil
			continue
		}
		targets = append(targets, ship.Target{Label: label, Token: byLabel[label].Token, Storage: c.on(w.stores[label], chunks)})
	}
	return targets, out
}

// judge looks at a target from outside: what is called committed is the source. It rots no more after that.
func (w *world) judge(rt *rapid.T, st *state.Store, label string, err error) {
	path := w.stores[label].object(key)
	got, readErr := os.ReadFile(path)
	switch {
	case err == nil && (readErr != nil || !bytes.Equal(got, w.data)):
		rt.Fatalf("%s: committed, and holds %d bytes that are not the %d of the source (%v)", label, len(got), len(w.data), readErr)
	case err == nil:
		must(rt, st.UpdateTarget(runID, label, func(t *state.Target) error { t.Committed = true; return nil }))
	case err.Error() == "":
		rt.Errorf("%s: an error without words", label)
	case errs.Is(err, errs.Corrupt) && readErr == nil && !errors.Is(err, errCrash):
		rt.Errorf("%s: %v, and the object is still there", label, err)
	}
}
