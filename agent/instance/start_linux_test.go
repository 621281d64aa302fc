package instance_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/service"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// A server that is still stopping is waited for, and only then started: never are there two (R3.7).
func TestStartWaitsForStopping(t *testing.T) {
	t.Parallel()
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		s := start()
		first := s.PID()
		i := of(t, s, stopBy(fmt.Sprintf("kill -TERM %[1]d; kill -STOP %[1]d", first), time.Second))
		if err := i.Stop(t.Context()); !errors.Is(err, instance.ErrStillRunning) {
			t.Fatalf("stop of a hung server: %v", err)
		}
		i.StopTimeout = 30 * time.Second
		servers := watch(s)
		goOn := time.AfterFunc(time.Second, func() { signal(t, first, syscall.SIGCONT) })
		defer goOn.Stop()
		if err := i.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		servers.never(t)
		wantOne(t, s)
		if s.PID() == first {
			t.Error("the server that was stopping counts as started")
		}
	})
}

// A server that an earlier process asked to stop still answers: that is no sign of life to rely on.
func TestStartAfterAnUnfinishedStop(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	first, servers := s.PID(), watch(s)
	time.AfterFunc(time.Second, func() { signal(t, first, syscall.SIGTERM) })
	i := of(t, s)
	i.MayBeStopping(first, time.Time{})
	if err := i.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	servers.never(t)
	wantOne(t, s)
	if s.PID() == first {
		t.Error("the server that was stopping counts as started")
	}
}

// Starts that fail: the error holds what a person on this host needs, and comes in time (R9.4, R9.5).
func TestStartTrouble(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t, testenv.Down())
	tests := []struct {
		name, script string
		limit        time.Duration // start_timeout
		within       time.Duration
		says, log    string
	}{
		{"ends at once", "echo disk is on fire >&2; exit 7", time.Minute, 5 * time.Second, "exit status 7", "disk is on fire"},
		{"ends well, and no server comes", "echo nothing to do", 2 * time.Second, 4 * time.Second, "within 2s", "nothing to do"},
		{"hangs", "echo waiting; sleep 60", 2 * time.Second, 4 * time.Second, "within 2s", "waiting"},
		{"is up, but does not answer", `echo deaf; exec "$@" --skip-networking`, 3 * time.Second, 9 * time.Second,
			"within 3s", "deaf"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := of(t, s, startBy(tt.script, tt.limit))
			err := within(t, tt.within, func() error { return i.Start(t.Context()) })
			var down *instance.DownError
			if !errors.As(err, &down) {
				t.Fatalf("start: %v", err)
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(down.LogTail, tt.log) || down.DataDir != s.DataDir {
				t.Errorf("%v\ndata directory %s, log:\n%s", err, down.DataDir, down.LogTail)
			}
			manual := strings.Join(down.Manual, "\n")
			if !strings.Contains(manual, s.StartCommand()[0]) || !strings.Contains(manual, s.LogFile) {
				t.Errorf("to do by hand:\n%s", manual)
			}
			if left := i.Service.(service.Launcher).Launched(); (left == 0) != (down.Holder == 0) {
				t.Errorf("start command %d is left; process %d holds the data directory", left, down.Holder)
			}
			s.Kill(t)
		})
	}
	if err := of(t, s).Start(t.Context()); err != nil { // what was told to be down can be started
		t.Fatal(err)
	}
	wantOne(t, s)
}

// Somebody else starts the server at the same moment: one of the two gives way, and one server stays.
func TestStartRace(t *testing.T) {
	t.Parallel()
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		s := start(testenv.Down())
		var wg sync.WaitGroup
		for range 2 {
			i := of(t, s)
			wg.Go(func() {
				if err := i.Start(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		testenv.Eventually(t, 5*time.Second, "one server is left", func() bool { return len(s.Processes()) == 1 })
		wantOne(t, s)
		pid := s.PID()
		if err := of(t, s).Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if s.Running() {
			t.Errorf("stopped process %d, and %v runs", pid, s.Processes())
		}
	})
}

// Whoever launched the server died before it was at its data directory: the next one waits for it (R3.7).
func TestStartAfterALaunch(t *testing.T) {
	t.Parallel()
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		s := start(testenv.Down())
		logs, m := t.TempDir(), s.Job()
		startBy(`sleep 2; exec "$@"`, time.Minute)(&m)
		if err := manager(t, m, logs).Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		i := of(t, s)
		i.Service = manager(t, m, logs)
		if err := i.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i.Service.(service.Launcher).Launched() != 0 {
			t.Error("a second one was launched")
		}
		wantOne(t, s)
	})
}

// A server that is up and does not let the job's user in is no server that is down, and is not asked again and again
// until it locks the account (R3.5).
func TestStartLoginRefused(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Exec(t, "CREATE USER brief@'%' IDENTIFIED BY 'right' FAILED_LOGIN_ATTEMPTS 5 PASSWORD_LOCK_TIME 1")
	i := of(t, s, func(m *job.MySQL) { m.User, m.Password = "brief", "wrong" })
	err := i.Start(t.Context())
	var down *instance.DownError
	if errors.As(err, &down) || !errors.Is(err, mysql.ErrLoginRefused) || !strings.Contains(err.Error(), `"brief"`) {
		t.Errorf("start: %v", err)
	}
	right := of(t, s, func(m *job.MySQL) { m.User, m.Password = "brief", "right" })
	if err := right.Answers(t.Context()); err != nil {
		t.Errorf("the account after two refused logins: %v", err)
	}
}

// Nobody can tell whether a server is there: that is told soon, and none is launched.
func TestStartCannotLook(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t, testenv.Down())
	i := of(t, s, startBy("echo launched; exit 1", time.Minute))
	i.DataDir += "-gone"
	err := i.Start(t.Context())
	var down *instance.DownError
	if !errors.As(err, &down) || !strings.Contains(err.Error(), i.DataDir) || strings.Contains(down.LogTail, "launched") {
		t.Errorf("start: %v", err)
	}
}
