//go:build linux

package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// managed is a site whose server is a unit of a real systemd.
type managed struct {
	*site
	host *testenv.SystemdHost
}

// service "systemd" from end to end: a real systemd stops and starts a real MySQL (R2.1, R3.1, R3.4).
func TestSystemd(t *testing.T) {
	host := testenv.Systemd(t)
	s := testenv.MySQL(t, testenv.In(host.Share), testenv.Down())
	host.Unit(t, "mysql.service", "[Service]\nType=notify\nRestart=always\nTimeoutStopSec=600\nExecStart="+
		strings.Join(s.StartCommand(), " ")+"\n")
	host.Systemctl(t, "start", "mysql.service")
	s.Fill(t, testenv.FillOptions{BigMB: 20})
	before := s.Checksums(t)
	t.Run("run", func(t *testing.T) { unitRun(t, newManaged(t, host, s, "mysql.service"), before) })
	t.Run("no such unit", func(t *testing.T) { unitMissing(t, newManaged(t, host, s, "mysqld.service")) })
	t.Run("killed after the stop", func(t *testing.T) { unitRecover(t, newManaged(t, host, s, "mysql.service")) })
	t.Run("started by somebody else", func(t *testing.T) { unitInactive(t, newManaged(t, host, s, "mysql.service")) })
}

func newManaged(t *testing.T, host *testenv.SystemdHost, s *testenv.Server, unit string) *managed {
	t.Helper()
	h := newSite(t, s)
	text, err := os.ReadFile(h.job)
	if err != nil {
		t.Fatal(err)
	}
	exec := regexp.MustCompile(`(?s)service "exec" \{.*?\n    \}`)
	text = exec.ReplaceAll(text, []byte("service \"systemd\" {\n      unit = \""+unit+"\"\n    }"))
	if err := os.WriteFile(h.job, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return &managed{h, host}
}

// drydock runs a command line that reaches the systemd under test: D-Bus libraries read the address of the system bus
// from the environment.
func (m *managed) drydock(t *testing.T, args ...string) result {
	t.Helper()
	return finish(t, m.command(t, args...))
}

func (m *managed) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := drydockCommand(t, m.args(args...)...)
	cmd.Env = append(cmd.Env, "DBUS_SYSTEM_BUS_ADDRESS="+m.host.Bus)
	return cmd
}

// wantActive fails the test unless the server is up, and is the unit's.
func (m *managed) wantActive(t *testing.T) {
	t.Helper()
	m.wantUp(t)
	if got := m.host.Systemctl(t, "is-active", "mysql.service"); got != "active" {
		t.Errorf("the unit is %s", got)
	}
}

func unitRun(t *testing.T, m *managed, before map[string]uint64) {
	m.drydock(t, "validate", m.job, "--connect").want(t, exitDone)
	pid := m.server.PID()
	r := m.drydock(t, "run", "--file", m.job, "--json").want(t, exitDone)
	wantStory(t, r, "preflight", "stop", "capture", "ship", "restart", "confirm", "commit", "clean")
	m.wantActive(t)
	if m.server.PID() == pid {
		t.Error("the server was not restarted")
	}
	m.wantRestored(t, lastEvent(t, r).BackupID, before)
}

// A unit that does not exist is found out before MySQL is touched.
func unitMissing(t *testing.T, m *managed) {
	pid := m.server.PID()
	r := m.drydock(t, "run", "--file", m.job, "--json").want(t, exitFailed)
	r.says(t, "preflight:", "mysqld.service does not exist")
	m.wantActive(t)
	m.wantNothing(t)
	if m.server.PID() != pid {
		t.Error("the server was stopped")
	}
}

// The agent dies after the stop: recover has the unit started again.
func unitRecover(t *testing.T, m *managed) {
	run := killAt(t, m.command(t, "run", "--file", m.job, "--json"), step("stop", "done"))
	if m.server.Running() {
		t.Fatal("the server runs after the stop")
	}
	r := m.drydock(t, "recover", "--file", m.job).want(t, exitDone)
	if !strings.Contains(r.stdout, run) || !strings.Contains(r.stdout, "MySQL is up again") {
		t.Errorf("recover says:\n%s", r.stdout)
	}
	m.wantActive(t)
}

// A server of the unit's data directory that runs without the unit is stopped by SQL and started as the unit.
func unitInactive(t *testing.T, m *managed) {
	m.host.Systemctl(t, "stop", "mysql.service")
	m.server.Start(t)
	e := lastEvent(t, m.drydock(t, "run", "--file", m.job, "--json").want(t, exitDone))
	if e.Status != agent.StatusDone {
		t.Errorf("status %q", e.Status)
	}
	m.wantActive(t)
}
