package instance_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// R3.1, R3.4: down means that nobody has the data directory; up means that a query is answered.
func TestStopAndStart(t *testing.T) {
	t.Parallel()
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		s := start()
		i, first := of(t, s), s.PID()
		if pid, err := i.Holder(); pid != first || err != nil {
			t.Errorf("holder %d, %v; want %d", pid, err, first)
		}
		for range 2 { // the second time it is down already
			if err := i.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if pid, err := i.Holder(); pid != 0 || err != nil || s.Running() {
				t.Fatalf("after the stop: holder %d, %v, processes %v", pid, err, s.Processes())
			}
		}
		if err := i.Answers(t.Context()); err == nil {
			t.Error("a server that is down answers")
		}
		for range 2 { // the second time it is up already
			if err := i.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantOne(t, s)
		}
		if s.PID() == first {
			t.Error("the server was never stopped")
		}
	})
}

// Stops that do not go well, on one server: the ones that fail leave it up, with its process (R9.1, R9.5).
func TestStopTrouble(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	t.Run("refused", func(t *testing.T) { stopRefused(t, s) })
	t.Run("hangs", func(t *testing.T) { stopNeverHappens(t, s, "sleep 60") })
	t.Run("never happens", func(t *testing.T) { comesBack(t, s, stopNeverHappens(t, s, "true"), s.PID()) })
	t.Run("cancelled", func(t *testing.T) { stopCancelled(t, s) })
	t.Run("reports an error and goes on stopping", func(t *testing.T) { stopSaysNo(t, s) })
	t.Run("takes a while", func(t *testing.T) { stopSlow(t, s) })
	s.Start(t)
	t.Run("cannot be looked at", func(t *testing.T) { stopBlind(t, s) })
}

// A stop during which the data directory cannot be looked at any more does not count as done.
func stopBlind(t *testing.T, s *testenv.Server) {
	gone := s.DataDir + "-away"
	i := of(t, s, stopBy(fmt.Sprintf("mv %s %s", s.DataDir, gone), time.Minute))
	err := i.Stop(t.Context())
	if err == nil || !strings.Contains(err.Error(), "look whether the server has stopped") {
		t.Errorf("stop: %v", err)
	}
	if err := os.Rename(gone, s.DataDir); err != nil {
		t.Fatal(err)
	}
}

func stopRefused(t *testing.T, s *testenv.Server) {
	s.Exec(t, "CREATE USER weak@'%' IDENTIFIED BY 'weak-4711'")
	i, pid := of(t, s, func(m *job.MySQL) { m.User, m.Password = "weak", "weak-4711" }), s.PID()
	err := within(t, 5*time.Second, func() error { return i.Stop(t.Context()) })
	if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), "GRANT SHUTDOWN") ||
		errors.Is(err, instance.ErrStillRunning) {
		t.Errorf("stop: %v", err)
	}
	_ = within(t, 2*time.Second, func() error { comesBack(t, s, i, pid); return nil }) // it was never asked: no doubt
}

// comesBack undoes a stop that failed: the server is up, and it is the same process.
func comesBack(t *testing.T, s *testenv.Server, i *instance.Instance, pid int) {
	t.Helper()
	if err := within(t, 10*time.Second, func() error { return i.Start(t.Context()) }); err != nil {
		t.Error(err)
	}
	wantOne(t, s)
	if s.PID() != pid {
		t.Errorf("process %d; it was %d, and never stopped", s.PID(), pid)
	}
}

func stopNeverHappens(t *testing.T, s *testenv.Server, script string) *instance.Instance {
	i, pid := of(t, s, stopBy(script, time.Second)), s.PID()
	err := within(t, 5*time.Second, func() error { return i.Stop(t.Context()) })
	if !errors.Is(err, instance.ErrStillRunning) {
		t.Fatalf("stop: %v", err)
	}
	for _, part := range []string{strconv.Itoa(pid), s.DataDir, "1s"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v: does not say %q", err, part)
		}
	}
	wantOne(t, s)
	return i
}

func stopCancelled(t *testing.T, s *testenv.Server) {
	i := of(t, s, stopBy("true", time.Minute))
	cause := errors.New("interrupted by a test")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(300*time.Millisecond, func() { cancel(cause) })
	err := within(t, 5*time.Second, func() error { return i.Stop(ctx) })
	if !errors.Is(err, cause) || errors.Is(err, instance.ErrStillRunning) {
		t.Errorf("stop: %v", err)
	}
	wantOne(t, s)
}

func stopSaysNo(t *testing.T, s *testenv.Server) {
	i := of(t, s, stopBy(fmt.Sprintf("kill -TERM %d; exit 3", s.PID()), 30*time.Second))
	if err := i.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if s.Running() {
		t.Error("the server runs on")
	}
	s.Start(t)
}

// A clean shutdown that takes longer than its command is no failure.
func stopSlow(t *testing.T, s *testenv.Server) {
	i := of(t, s, stopBy(fmt.Sprintf("(sleep 1; kill -TERM %d) & exit 0", s.PID()), 30*time.Second))
	if err := i.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if s.Running() {
		t.Error("the server runs on")
	}
}
