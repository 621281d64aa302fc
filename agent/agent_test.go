package agent_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent"
)

func newAgent(t *testing.T) *agent.Agent {
	t.Helper()
	dir := t.TempDir()
	a, err := agent.New(agent.Options{DataDir: filepath.Join(dir, "data"), SpoolDir: filepath.Join(dir, "spool")})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The agent's directories are its own alone.
func TestNew(t *testing.T) {
	dir := t.TempDir()
	o := agent.Options{DataDir: filepath.Join(dir, "a", "data"), SpoolDir: filepath.Join(dir, "spool")}
	for range 2 {
		if _, err := agent.New(o); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{o.DataDir, o.SpoolDir, filepath.Join(o.DataDir, "log")} {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", d, info, err)
		}
	}
	o.SpoolDir = "spool"
	if _, err := agent.New(o); err == nil || !strings.Contains(err.Error(), "absolute") {
		t.Errorf("relative directory: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o.SpoolDir = filepath.Join(dir, "file", "spool")
	if _, err := agent.New(o); err == nil {
		t.Error("a directory below a file")
	}
}

// A run's id tells its job, whatever the job is called, and no two are the same.
func TestRunID(t *testing.T) {
	at := time.Date(2026, 3, 1, 2, 30, 0, 0, time.FixedZone("CET", 3600))
	for _, name := range []string{"orders", "a-b", "2026-01-01", "a-20260301T013000Z-abcdef"} {
		id, err := agent.NewID(name, at)
		if err != nil || !strings.HasPrefix(id, name+"-20260301T013000Z-") || agent.JobOf(id) != name {
			t.Errorf("id %q of job %q: %q, %v", id, name, agent.JobOf(id), err)
		}
		if again, _ := agent.NewID(name, at); again == id {
			t.Errorf("%q twice", id)
		}
	}
	for _, id := range []string{"", "latest", "orders", "a-b-c", "orders-20260301T013000Z", "orders-20261301T013000Z-abcdef", "-", "--"} {
		if name := agent.JobOf(id); name != "" {
			t.Errorf("job of %q: %q", id, name)
		}
	}
}

// A job that has never run here has no history and is not known by its name.
func TestUnknownJob(t *testing.T) {
	a := newAgent(t)
	if rows, err := a.Runs(t.Context(), "orders"); len(rows) != 0 || rows == nil || err != nil {
		t.Errorf("runs: %v, %v", rows, err)
	}
	for _, name := range []string{"", "orders", "../orders"} {
		if k, err := a.KnownJob(name); err == nil || !strings.Contains(err.Error(), "--file") {
			t.Errorf("job %q: %+v, %v", name, k, err)
		}
	}
}
