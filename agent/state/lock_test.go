package state_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/state"
)

// process is a child that has the file open.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// spawn starts a child and waits until it has opened the file.
func spawn(t *testing.T, path, mode string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "hold-the-lock")
	cmd.Env = append(os.Environ(), "DRYDOCK_TEST_STATE="+path, "DRYDOCK_TEST_MODE="+mode)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	p := &process{cmd: cmd, in: in, out: bufio.NewScanner(out)}
	t.Cleanup(func() { p.kill() })
	if !p.out.Scan() || p.out.Text() != "open" {
		t.Fatalf("the child says %q", p.out.Text())
	}
	return p
}

// kill ends the child as a crash does, and waits for it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // gone already is as good
	_ = p.cmd.Wait()
}

func TestLockNamesItsHolder(t *testing.T) {
	path := path(t)
	p := spawn(t, path, "hold")
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	type opener = func(context.Context, string) (*state.Store, error)
	for name, open := range map[string]opener{"to write": state.Open, "to read": state.OpenReadOnly} {
		_, err := open(ctx, path)
		var locked *state.LockedError
		if !errors.Is(err, state.ErrLocked) || !errors.As(err, &locked) || locked.Holder.PID != p.cmd.Process.Pid {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.Contains(err.Error(), fmt.Sprintf("process %d (state.test hold-the-lock)", p.cmd.Process.Pid)) {
			t.Errorf("%v", err)
		}
	}
	if waited := time.Since(begun); waited < 100*time.Millisecond || waited > 30*time.Second {
		t.Errorf("waited %s", waited)
	}
	// The lock goes with the process, however it ends, and so does its name.
	p.kill()
	if h := state.HolderOf(path); h.PID != 0 {
		t.Errorf("a dead process is named: %+v", h)
	}
	s := open(t, path)
	if h := state.HolderOf(path); h.PID != os.Getpid() {
		t.Errorf("holder is %+v", h)
	}
	must(t, s.Close())
	must(t, s.Close())
	if h := state.HolderOf(path); h.PID != 0 {
		t.Errorf("after Close: %+v", h)
	}
}

func TestOpenWaitsForTheLock(t *testing.T) {
	path := path(t)
	p := spawn(t, path, "hold")
	released := make(chan error, 1)
	go func() {
		time.Sleep(100 * time.Millisecond)
		released <- p.in.Close()
	}()
	s := open(t, path)
	must(t, s.Close())
	must(t, <-released)
}

// Many processes at once: one has it, and nobody replaces the file under another's feet.
func TestOneFileOneHolder(t *testing.T) {
	path := path(t)
	type result struct {
		s   *state.Store
		err error
	}
	results := make(chan result, 8)
	for range cap(results) {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			s, err := state.Open(ctx, path)
			results <- result{s, err}
		}()
	}
	held := 0
	for range cap(results) {
		r := <-results
		if r.err == nil {
			held++
			defer func() { must(t, r.s.Close()) }()
		} else if !errors.Is(r.err, state.ErrLocked) {
			t.Error(r.err)
		}
	}
	if held != 1 {
		t.Errorf("%d hold the lock", held)
	}
}

// A child is killed while it writes, again and again: the file opens, and everything that it was told to be recorded is
// there.
func TestKilledWriterLosesNothing(t *testing.T) {
	path := path(t)
	for i := range 8 {
		p := spawn(t, path, "write")
		var last string
		var deadline *time.Timer
		for p.out.Scan() {
			if last = p.out.Text(); deadline == nil { // from the first record on, however long that took
				deadline = time.AfterFunc(time.Duration(20*i)*time.Millisecond, func() { _ = p.cmd.Process.Kill() })
				defer deadline.Stop()
			}
		}
		p.kill()
		id, number, _ := strings.Cut(last, " ")
		n, err := strconv.Atoi(number)
		must(t, err)
		recorded(t, path, id, n)
	}
}

// recorded fails the test unless everything up to n is there.
func recorded(t *testing.T, path, id string, n int) {
	t.Helper()
	s := open(t, path)
	defer func() { must(t, s.Close()) }()
	steps, err := s.Steps(id)
	must(t, err)
	arrived, err := s.Arrived(id, "nas")
	must(t, err)
	chunks, err := s.Chunks(id)
	must(t, err)
	r, err := s.Run(id)
	must(t, err)
	last, err := strconv.Atoi(r.Failure)
	must(t, err)
	if len(steps) <= n || len(arrived) <= n || len(chunks) <= n || last < n {
		t.Errorf("%d were recorded; there are %d steps, %d arrivals, %d chunks, last %d", n+1, len(steps), len(arrived),
			len(chunks), last)
	}
	if unfinished, err := s.Unfinished(); err != nil || len(unfinished) == 0 || unfinished[len(unfinished)-1].ID != id {
		t.Errorf("the dead run is not found: %v", err)
	}
}

// A request to cancel reaches the very process that is meant: not one that got its number, nor a later holder of the
// lock, nor a holder of another job.
func TestCancelReachesItsHolderOnly(t *testing.T) {
	path := path(t)
	s := open(t, path)
	must(t, s.WorkOn("shop-1"))
	h := state.HolderOf(path)
	if h.Run != "shop-1" || h.PID != os.Getpid() || h.Start == "" || h.Token == "" || s.CancelRequested() {
		t.Fatalf("holder %+v, requested %t", h, s.CancelRequested())
	}
	other := h
	other.Token = "0123456789abcdef"
	must(t, state.RequestCancel(path, other))
	if s.CancelRequested() {
		t.Error("a request to somebody else counts")
	}
	must(t, state.RequestCancel(path, h))
	must(t, state.RequestCancel(path, h)) // twice is as good
	if !s.CancelRequested() {
		t.Error("the request was not seen")
	}
	must(t, s.Close())
	again := open(t, path)
	defer func() { must(t, again.Close()) }()
	if again.CancelRequested() || state.HolderOf(path).Token == h.Token {
		t.Error("a request to an earlier holder counts")
	}
	must(t, state.RequestCancel(path, h)) // comes too late
	if again.CancelRequested() {
		t.Error("a late request to an earlier holder counts")
	}
	if err := state.RequestCancel(path, state.Holder{}); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("nobody holds it: %v", err)
	}
}

// The name that a dead process left is not taken for that of a living one which got its number.
func TestRecycledHolder(t *testing.T) {
	path := path(t)
	p := spawn(t, path, "hold")
	h := state.HolderOf(path)
	if h.PID != p.cmd.Process.Pid {
		t.Fatalf("holder %+v", h)
	}
	p.kill()
	h.PID = os.Getpid() // alive, and not the one that left the name
	data, err := json.Marshal(h)
	must(t, err)
	must(t, os.WriteFile(path+".holder", data, 0o600))
	if got := state.HolderOf(path); got.PID != 0 {
		t.Errorf("holder %+v", got)
	}
	s := open(t, path)
	must(t, s.Close())
}

// Whatever the file says that names the holder: the answer is a living process, or none.
func FuzzHolder(f *testing.F) {
	me := fmt.Sprintf(`{"pid":%d,"command":"drydock run","run":"shop-1","token":"00ff"}`, os.Getpid())
	for _, seed := range []string{
		me, "", "{}", "null", "[]", `{"pid":1}`, `{"pid":-1}`, `{"pid":0,"command":"\u0000"}`, `{"pid":1e99}`, `{"since":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	path := f.TempDir() + "/shop.db"
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path+".holder", data, 0o600); err != nil {
			t.Fatal(err)
		}
		h := state.HolderOf(path)
		if h.PID != 0 && !h.Alive() {
			t.Errorf("%q: %+v", data, h)
		}
		_ = h.String()
	})
}
