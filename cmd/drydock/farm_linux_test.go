package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// workers is the environment variable that says on how many servers the large tests work side by side; WORKERS=N of make
// sets it. Most of their time is waiting, so it may well be more than there are cores.
const workers = "DRYDOCK_TEST_WORKERS"

// spare is how long before the end of the test's time no new item is begun, so that the figures are always printed.
const spare = 4 * time.Minute

// farm works items off on several servers side by side, each of which has a database of its own.
type farm struct {
	next func() (name string, ok bool) // the next item; one call at a time
	work func(t *testing.T, s *testenv.Server, name string)
	big  int // megabytes of a large table; 0: none

	mu           sync.Mutex
	done, failed int
	cut          bool // the time was up before the items were
}

// run works until there is no item left. Each item is a subtest; one that fails does not keep the others from going on.
func (f *farm) run(t *testing.T) {
	t.Helper()
	count := 2
	if n, err := strconv.Atoi(os.Getenv(workers)); err == nil && n > 0 {
		count = n
	}
	var wg sync.WaitGroup
	for i := range count {
		wg.Go(func() {
			t.Run(fmt.Sprintf("server %d", i+1), func(t *testing.T) { f.serve(t, i) })
		})
	}
	wg.Wait()
}

// serve works on one server. Every second one is a MariaDB.
func (f *farm) serve(t *testing.T, i int) {
	start := testenv.MySQL
	if i%2 == 1 {
		start = testenv.MariaDB
	}
	s := start(t)
	s.Fill(t, testenv.FillOptions{BigMB: f.big})
	for {
		name, ok := f.take(t)
		if !ok {
			return
		}
		passed := t.Run(name, func(t *testing.T) { f.work(t, s, name) })
		f.count(passed)
		if !passed { // what it left must not fail the next one
			s.Kill(t)
			s.Start(t)
		}
	}
}

func (f *farm) take(t *testing.T) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if end, ok := t.Deadline(); ok && time.Until(end) < spare {
		f.cut = true
		return "", false
	}
	return f.next()
}

func (f *farm) count(passed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done++
	if !passed {
		f.failed++
	}
}

// rounds numbers rounds for as long as more says so.
func rounds(more func() bool) func() (string, bool) {
	n := 0
	return func() (string, bool) {
		n++
		return fmt.Sprintf("round %d", n), more()
	}
}

// each hands the names out one after the other.
func each(names []string) func() (string, bool) {
	return func() (string, bool) {
		if len(names) == 0 {
			return "", false
		}
		name := names[0]
		names = names[1:]
		return name, true
	}
}

// snapshot has the server copy its data directory just before each start, until proven is called: after a run, the copy is
// what the archive must hold, byte for byte. It returns the copy's path.
func (h *site) snapshot(t *testing.T) string {
	t.Helper()
	if err := os.WriteFile(h.snapshotFlag(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(h.dir, "snapshot")
}

func (h *site) snapshotFlag() string { return filepath.Join(h.dir, "copy-before-start") }

// copyingStart is a start command that does what snapshot asks for.
func (h *site) copyingStart(t *testing.T) string {
	t.Helper()
	script := `if [ -e "$1" ]; then rm -rf "$2"; cp -a "$3" "$2"; fi; shift 3; exec "$@"`
	argv := append([]string{"/bin/sh", "-c", script, "sh", h.snapshotFlag(), filepath.Join(h.dir, "snapshot"), h.server.DataDir},
		h.server.StartCommand()...)
	text, err := json.Marshal(argv)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// proven restores a backup and compares it with a copy of the data directory that it was made of, byte for byte.
func (h *site) proven(t *testing.T, backup, snapshot string) {
	t.Helper()
	to := filepath.Join(h.dir, "restored")
	drydock(t, h.args("restore", backup, "--file", h.job, "--to", to)...).want(t, exitDone)
	want, got := regular(t, snapshot), regular(t, to)
	for name := range want {
		if !got[name] {
			t.Errorf("not restored: %s", name)
			continue
		}
		a, errA := os.ReadFile(filepath.Join(snapshot, name))
		b, errB := os.ReadFile(filepath.Join(to, name))
		if err := errors.Join(errA, errB); err != nil {
			t.Error(err)
		} else if !bytes.Equal(a, b) {
			t.Errorf("restored otherwise: %s", name)
		}
	}
	if len(want) < 20 || len(want) != len(got) {
		t.Errorf("%d files were there, %d are restored", len(want), len(got))
	}
	if err := errors.Join(os.Remove(h.snapshotFlag()), os.RemoveAll(to), os.RemoveAll(snapshot)); err != nil {
		t.Error(err)
	}
}

// regular returns the relative names of all regular files below a directory.
func regular(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			rel, _ := filepath.Rel(dir, path)
			names[rel] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
