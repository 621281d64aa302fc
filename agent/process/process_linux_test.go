package process_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/process"
)

func sleeper(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sleep", "3600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// A process is the one that was meant, or it is not: neither a dead one, nor one that waits to be reaped, nor one that got
// the same number later.
func TestIdentity(t *testing.T) {
	self := process.Self()
	if self.PID != os.Getpid() || self.Start == "" || !self.Alive() {
		t.Errorf("self: %+v, alive %t", self, self.Alive())
	}
	cmd := sleeper(t)
	id := process.Of(cmd.Process.Pid)
	if !id.Alive() || id == self {
		t.Fatalf("%+v", id)
	}
	if recycled := (process.ID{PID: id.PID, Start: self.Start + "1"}); recycled.Alive() {
		t.Error("a process with another start counts as the same")
	}
	if unknown := (process.ID{PID: id.PID}); !unknown.Alive() {
		t.Error("a process whose start nobody knows counts as gone")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(time.Minute); id.Alive(); time.Sleep(time.Millisecond) { // a zombie: nobody has waited for it
		if time.Now().After(limit) {
			t.Fatal("a killed process counts as alive")
		}
	}
	_ = cmd.Wait()
	if gone := process.Of(id.PID); gone.PID != 0 || id.Alive() || (process.ID{}).Alive() || process.Of(-1).PID != 0 {
		t.Errorf("gone: %+v", gone)
	}
}

func TestDescribe(t *testing.T) {
	cmd := sleeper(t)
	if text := process.Describe(cmd.Process.Pid); !strings.Contains(text, "(sleep 3600) since 20") {
		t.Errorf("%q", text)
	}
	if c := process.Command([]string{"/usr/bin/drydock", "run", "--file"}); c != "drydock run" {
		t.Errorf("%q", c)
	}
}
