//go:build unix

package guardian_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/guardian"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/internal/testenv"
)

const (
	roleGuardian = "be-guardian"
	roleAgent    = "be-agent"
	password     = "pass phrase"
)

// TestMain lets the test binary be a guardian, whose rescue notes what it was told, and an agent that can be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case roleGuardian:
			os.Exit(beGuardian())
		case roleAgent:
			os.Exit(beAgent(os.Args[2:]))
		}
	}
	os.Exit(m.Run())
}

func beGuardian() int {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	err := guardian.Serve(context.Background(), os.Stdin, os.Stdout, log,
		func(_ context.Context, o guardian.Order, why guardian.Reason) error {
			f, err := os.OpenFile(filepath.Join(o.StateDir, "rescued"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(f, "%s: %s (%t, %t)\n", o.Run, why.Text, why.Stuck, o.MySQL.Password.Reveal() == password)
			return errors.Join(err, f.Close())
		})
	if err != nil {
		log.Error("guardian", "error", err)
		return 1
	}
	return 0
}

// beAgent arms a guardian, says so, and does what its last argument says.
func beAgent(args []string) int {
	silence, _ := time.ParseDuration(args[1])
	deadline, _ := time.ParseDuration(args[2])
	o := order(args[0], silence, deadline)
	g, err := guardian.Arm(context.Background(), options(func(error) {}), o)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("armed", g.PID())
	if args[3] == "beats" {
		for range time.Tick(10 * time.Millisecond) {
			g.Beat()
		}
	}
	select {}
}

func options(lost func(error)) guardian.Options {
	return guardian.Options{Command: []string{os.Args[0], roleGuardian}, Log: slog.New(slog.DiscardHandler), Lost: lost}
}

func order(dir string, silence, deadline time.Duration) guardian.Order {
	return guardian.Order{
		StateDir: dir, Job: "orders", Run: "orders-1", PID: 4711, Written: time.Now(), Silence: silence, Deadline: deadline,
		MySQL: job.MySQL{Password: password, DataDir: "/srv/mysql", StopTimeout: time.Minute, StartTimeout: time.Minute},
	}
}

func stateDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "log"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// rescued is what guardians noted in a state directory.
func rescued(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "rescued"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

const patience = time.Minute // for what takes milliseconds on an idle host

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// A guardian that is disarmed does nothing, and is gone afterwards.
func TestGuardianDisarmed(t *testing.T) {
	dir := stateDir(t)
	g, err := guardian.Arm(t.Context(), options(nil), order(dir, time.Hour, 0))
	if err != nil {
		t.Fatal(err)
	}
	pid := g.PID()
	if pid == 0 || gone(pid) {
		t.Errorf("process %d", pid)
	}
	g.Beat()
	for range 2 {
		g.Disarm()
	}
	g.Beat()
	if !gone(pid) {
		t.Error("it is still there")
	}
	if got := rescued(t, dir); got != "" {
		t.Errorf("rescued: %s", got)
	}
}

// One that is killed is replaced, and the next one can do all that the first one could.
func TestGuardianReplaced(t *testing.T) {
	dir := stateDir(t)
	g, err := guardian.Arm(t.Context(), options(nil), order(dir, time.Hour, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Disarm()
	for range 3 {
		old := g.PID()
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		testenv.Eventually(t, patience, "another one is there", func() bool { return g.PID() != old })
	}
}

// When nobody can replace it, the run hears of it.
func TestGuardianLost(t *testing.T) {
	dir := stateDir(t)
	program := filepath.Join(dir, "program")
	if err := os.Symlink(os.Args[0], program); err != nil {
		t.Fatal(err)
	}
	lost := make(chan error, 1)
	o := options(func(err error) { lost <- err })
	o.Command[0] = program
	g, err := guardian.Arm(t.Context(), o, order(dir, time.Hour, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(program), syscall.Kill(g.PID(), syscall.SIGKILL)); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-lost:
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("lost: %v", err)
		}
	case <-time.After(patience):
		t.Error("nobody was told")
	}
	g.Disarm()
}

// A guardian that cannot be started is an error that says why.
func TestGuardianCannotStart(t *testing.T) {
	dir := stateDir(t)
	tests := map[string]struct {
		command []string
		order   guardian.Order
		says    string
	}{
		"no command":      {nil, order(dir, time.Hour, 0), "no command"},
		"missing program": {[]string{filepath.Join(dir, "gone")}, order(dir, time.Hour, 0), "no such file"},
		"ends at once":    {[]string{"/bin/sh", "-c", "exit 3"}, order(dir, time.Hour, 0), "orders.guardian.log"},
		"says no":         {[]string{os.Args[0], roleGuardian}, order(dir, 0, 0), "silence 0s"},
		"no log":          {[]string{os.Args[0], roleGuardian}, order(filepath.Join(dir, "gone"), time.Hour, 0), "no such file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := guardian.Arm(t.Context(), guardian.Options{Command: tt.command}, tt.order)
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "start the guardian") {
				t.Errorf("error: %v; want %q", err, tt.says)
			}
		})
	}
}

// What an agent meets, and how often its guardian acts (R3.7, R9.5).
func TestGuardianActs(t *testing.T) {
	tests := []struct {
		name, silence, deadline, does string
		act                           func(t *testing.T, pid int)
		want                          string
	}{
		{"killed", "1h", "0s", "sleeps", func(t *testing.T, pid int) { kill(t, pid, syscall.SIGKILL) }, "the agent died"},
		{"its group killed", "1h", "0s", "sleeps", func(t *testing.T, pid int) { kill(t, -pid, syscall.SIGKILL) }, "the agent died"},
		{"frozen, silence", "500ms", "0s", "beats", func(t *testing.T, pid int) { kill(t, pid, syscall.SIGSTOP) },
			"no progress for 500ms, and was ended"},
		{"frozen, deadline", "1h", "500ms", "sleeps", func(t *testing.T, pid int) { kill(t, pid, syscall.SIGSTOP) },
			"within 500ms, and was ended"},
		{"late although it beats", "1h", "1s", "beats", func(*testing.T, int) {}, "within 1s, and was ended"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := stateDir(t)
			agent, pid := startAgent(t, dir, tt.silence, tt.deadline, tt.does)
			tt.act(t, agent.Process.Pid)
			testenv.Eventually(t, patience, "the guardian acts", func() bool { return rescued(t, dir) != "" })
			_ = agent.Wait()
			testenv.Eventually(t, patience, "the guardian ends", func() bool { return ended(t, pid) })
			if got := rescued(t, dir); strings.Count(got, "\n") != 1 || !strings.Contains(got, tt.want) ||
				!strings.HasPrefix(got, "orders-1: ") || !strings.Contains(got, "(false, true)") {
				t.Errorf("rescued: %q; want %q, once", got, tt.want)
			}
		})
	}
}

// An agent whose run moves is left alone for longer than the silence; neither does its guardian count the time during
// which it was frozen itself.
func TestGuardianLeavesAHealthyAgentAlone(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	agent, pid := startAgent(t, dir, "30s", "40s", "beats")
	kill(t, pid, syscall.SIGSTOP)
	time.Sleep(50 * time.Millisecond)
	kill(t, pid, syscall.SIGCONT)
	time.Sleep(time.Second)
	if got := rescued(t, dir); got != "" || ended(t, agent.Process.Pid) {
		t.Errorf("rescued: %s", got)
	}
}

func kill(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Error(err)
	}
}

// ended reports whether a process is gone, or waits for a parent who will not reap it.
func ended(t *testing.T, pid int) bool {
	t.Helper()
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

// startAgent starts an agent in a group of its own, and returns the PID of its guardian, too.
func startAgent(t *testing.T, dir, silence, deadline, does string) (agent *exec.Cmd, pid int) {
	t.Helper()
	agent = exec.Command(os.Args[0], roleAgent, dir, silence, deadline, does)
	agent.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := agent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = agent.Process.Kill()
		_ = agent.Wait()
	})
	if _, err := fmt.Fscanf(out, "armed %d\n", &pid); err != nil {
		t.Fatal(err)
	}
	return agent, pid
}
