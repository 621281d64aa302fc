//go:build faults && linux

package fault_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/fault"
)

// crosses says that the test binary is to cross a boundary and tell what happened, instead of testing.
const crosses = "DRYDOCK_TEST_CROSSES"

func TestMain(m *testing.M) {
	if name := os.Getenv(crosses); name != "" {
		cross(name)
		return
	}
	os.Exit(m.Run())
}

// cross crosses a boundary twice.
func cross(name string) {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	for range 2 {
		err := fault.Around(name, func() error { fmt.Print("crossed "); return nil })
		var injected *fault.InjectedError
		if errors.As(err, &injected) {
			fmt.Print(injected.Point + " ")
		}
	}
	select {
	case <-term:
		fmt.Print("term ")
	default:
	}
	fmt.Print("end")
}

// Each mode does what it says, once, at its point alone.
func TestOrders(t *testing.T) {
	tests := map[string]struct{ orders, want string }{
		"none":               {"", "crossed crossed end"},
		"another point":      {"b.before=kill", "crossed crossed end"},
		"kill before":        {"a.before=kill", "signal: killed"},
		"kill after":         {"a.after=kill", "crossed signal: killed"},
		"kill all":           {"a.after=kill-all", "crossed signal: killed"},
		"error before":       {"a.before=error", "a.before crossed end"},
		"error after":        {"a.after=error", "crossed a.after crossed end"},
		"term":               {"a.before=term", "crossed crossed term end"},
		"two orders":         {"a.before=error,a.after=error", "a.before crossed a.after end"},
		"the same one twice": {"a.before=error,a.before=error", "a.before a.before end"},
		"no such mode":       {"a.before=explode", "exit status 2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trace := filepath.Join(t.TempDir(), "trace")
			cmd := self(t, "a", "DRYDOCK_FAULT="+tt.orders, "DRYDOCK_FAULT_TRACE="+trace)
			out, err := cmd.Output()
			got := string(out)
			if err != nil {
				got += err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if passed, err := os.ReadFile(trace); err != nil || !strings.HasPrefix(string(passed), "a.before\n") {
				t.Errorf("trace %q: %v", passed, err)
			}
		})
	}
}

// A hang is long, and its process can be ended meanwhile.
func TestHang(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := self(t, "a", "DRYDOCK_FAULT=a.before=hang", "DRYDOCK_FAULT_TRACE="+trace)
	began := time.Now()
	if out, err := cmd.Output(); err != nil || string(out) != "crossed crossed end" || time.Since(began) < 30*time.Second {
		t.Errorf("%q after %s: %v", out, time.Since(began), err)
	}
}

// The guardian has orders of its own, and gets none of the agent's.
func TestGuardianEnv(t *testing.T) {
	t.Setenv("DRYDOCK_FAULT", "a.before=kill")
	t.Setenv("DRYDOCK_FAULT_GUARDIAN", "a.after=kill")
	cmd := self(t, "a")
	cmd.Env = append(cmd.Env, fault.GuardianEnv()...)
	out, err := cmd.Output()
	if string(out) != "crossed " || err == nil {
		t.Errorf("%q: %v", out, err)
	}
}

func self(t *testing.T, name string, env ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(append(os.Environ(), crosses+"="+name), env...)
	return cmd
}
