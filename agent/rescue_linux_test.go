package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/guardian"
	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// roleAgent makes the test binary an agent that has stopped MySQL, and then hangs.
const roleAgent = "be-agent"

// TestMain lets the test binary be a guardian, and an agent that hangs.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case agent.GuardianCommand:
			if agent.Guard(context.Background(), os.Stdin, os.Stdout, os.Stderr) != nil {
				os.Exit(1)
			}
			os.Exit(0)
		case roleAgent:
			fmt.Println(hang())
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// hanging is what an agent that hangs is told over its standard input.
type hanging struct {
	StateDir string
	MySQL    job.MySQL
	Password string
	PID      int
	Settings json.RawMessage
}

const hungRun = "orders-20260301T023000Z-abcdef"

// hang takes the locks, records an intent and arms a guardian, as a run does, and shows no progress any more.
func hang() error {
	var h hanging
	if err := json.NewDecoder(os.Stdin).Decode(&h); err != nil {
		return err
	}
	h.MySQL.Password = job.Secret(h.Password)
	ctx, now := context.Background(), time.Now().UTC()
	lock, err := instance.LockDataDir(ctx, h.MySQL.DataDir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Release() }()
	store, err := state.Open(ctx, state.Path(h.StateDir, "orders"))
	if err != nil {
		return err
	}
	err = store.CreateRun(state.Run{ID: hungRun, Job: "orders", Status: state.Running, Started: now, Intent: &state.Intent{
		WasRunning: true, DataDir: h.MySQL.DataDir, PID: h.PID, Settings: h.Settings, Written: now,
	}})
	if err != nil {
		return err
	}
	_, err = guardian.Arm(ctx, guardian.Options{Command: []string{os.Args[0], agent.GuardianCommand}, Log: slog.Default()},
		guardian.Order{StateDir: h.StateDir, Job: "orders", Run: hungRun, MySQL: h.MySQL, PID: h.PID, Settings: h.Settings,
			Written: now, Silence: time.Second})
	if err != nil {
		return err
	}
	fmt.Println("armed")
	select {}
}

// An agent that is frozen, or hangs with all its locks, is ended, and MySQL comes back with what a restart loses.
// (R3.7, R9.5)
func TestHungAgent(t *testing.T) {
	s := testenv.MySQL(t)
	for _, frozen := range []bool{false, true} {
		t.Run(fmt.Sprintf("frozen %t", frozen), func(t *testing.T) {
			if !s.Running() {
				s.Start(t)
			}
			dir, hung := hungAgent(t, s)
			if frozen {
				if err := hung.Process.Signal(syscall.SIGSTOP); err != nil {
					t.Error(err)
				}
			}
			err := hung.Wait()
			if status, ok := hung.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Errorf("the agent ended with %v", err)
			}
			r := rescued(t, dir)
			if r.Intent.StartedBy != "guardian" || r.Intent.Pending() || r.UpAgain.IsZero() || r.Status != state.Running {
				t.Errorf("recorded: %+v, %+v", r, r.Intent)
			}
			if p := s.Processes(); len(p) != 1 || s.Value(t, "SELECT @@event_scheduler") != "OFF" {
				t.Errorf("processes %v, event_scheduler %s", p, s.Value(t, "SELECT @@event_scheduler"))
			}
		})
	}
}

// hungAgent starts an agent that hangs after it has armed its guardian and MySQL was stopped.
func hungAgent(t *testing.T, s *testenv.Server) (dir string, cmd *exec.Cmd) {
	t.Helper()
	dir = testenv.Dir(t)
	if err := os.MkdirAll(filepath.Join(dir, "log"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, "SET GLOBAL event_scheduler = OFF")
	m := s.Job()
	m.Service = job.Service{Kind: job.ServiceExec, Start: s.StartCommand()}
	m.StopTimeout, m.StartTimeout = time.Minute, 2*time.Minute
	h := hanging{StateDir: dir, MySQL: m, Password: m.Password.Reveal(), PID: s.PID(), Settings: settingsOf(t, m)}
	s.Stop(t)
	cmd = exec.Command(os.Args[0], roleAgent)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if err := json.NewEncoder(in).Encode(h); err != nil {
		t.Fatal(err)
	}
	var word string
	if _, err := fmt.Fscanln(out, &word); err != nil || word != "armed" {
		t.Fatalf("the agent says %q, %v", word, err)
	}
	return dir, cmd
}

func settingsOf(t *testing.T, m job.MySQL) json.RawMessage {
	t.Helper()
	db, err := mysql.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	set, err := db.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// rescued waits until the guardian has recorded what it did.
func rescued(t *testing.T, dir string) (r state.Run) {
	t.Helper()
	testenv.Eventually(t, 3*time.Minute, "the guardian has done its work", func() bool {
		store, err := state.Look(t.Context(), state.Path(dir, "orders"))
		if err != nil {
			return false
		}
		defer func() { _ = store.Close() }()
		r, err = store.Run(hungRun)
		return err == nil && r.Intent != nil && !r.Intent.Pending()
	})
	return r
}
