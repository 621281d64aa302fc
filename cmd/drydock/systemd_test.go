//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

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
	t.Parallel()
	host := testenv.Systemd(t)
	s := testenv.MySQL(t, testenv.In(host.Share), testenv.Down())
	host.Unit(t, "mysql.service", unitOf(s, "always"))
	host.Systemctl(t, "start", "mysql.service")
	s.Fill(t, testenv.FillOptions{BigMB: 20})
	before := s.Checksums(t)
	t.Run("no such unit", func(t *testing.T) { unitMissing(t, newManaged(t, host, s, "mysqld.service")) })
	t.Run("killed after the stop", func(t *testing.T) { unitRecover(t, newManaged(t, host, s, "mysql.service")) })
	t.Run("masked", func(t *testing.T) { unitMasked(t, newManaged(t, host, s, "mysql.service")) })
	t.Run("without the right", func(t *testing.T) { unitForbidden(t, newManaged(t, host, s, "mysql.service")) })
	t.Run("started too often of late", func(t *testing.T) { unitStartLimit(t, newManaged(t, host, s, "mysql.service")) })
	t.Run("failed, and started by somebody else", func(t *testing.T) { unitFailed(t, newManaged(t, host, s, "mysql.service")) })
	for _, restart := range []string{"always", "on-failure"} {
		t.Run("restart="+restart, func(t *testing.T) {
			host.Unit(t, "mysql.service", unitOf(s, restart))
			unitRun(t, newManaged(t, host, s, "mysql.service"), before)
		})
	}
	t.Run("systemd restarts it during the copy", func(t *testing.T) {
		host.Unit(t, "mysql.service", unitOf(s, "always"))
		unitRestarts(t, newManaged(t, host, s, ""))
	})
	t.Run("somebody starts the unit during the copy", func(t *testing.T) { unitStarted(t, newManaged(t, host, s, "mysql.service")) })
	t.Run("started by somebody else", func(t *testing.T) { unitInactive(t, newManaged(t, host, s, "mysql.service")) })
}

func unitOf(s *testenv.Server, restart string) string {
	return "[Service]\nType=notify\nRestart=" + restart + "\nRestartSec=1s\nTimeoutStopSec=600\nExecStart=" +
		strings.Join(s.StartCommand(), " ") + "\n"
}

// newManaged is a site whose job names the unit; "" leaves it with service "exec".
func newManaged(t *testing.T, host *testenv.SystemdHost, s *testenv.Server, unit string) *managed {
	t.Helper()
	h := newSite(t, s)
	if unit == "" {
		return &managed{h, host}
	}
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

// A masked unit could be stopped, but not started again: that is found out before.
func unitMasked(t *testing.T, m *managed) {
	m.host.Unit(t, "mysql.service", "") // an empty file masks
	defer m.host.Unit(t, "mysql.service", unitOf(m.server, "always"))
	m.refused(t, m.command(t, "run", "--file", m.job, "--json"), "systemctl unmask mysql.service")
	m.wantActive(t)
}

// So is a right that is missing: the user may read the data directory, and not manage the unit.
func unitForbidden(t *testing.T, m *managed) {
	info, err := os.Stat(m.server.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	err = filepath.WalkDir(m.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := m.command(t, "run", "--file", m.job, "--json")
	cmd.Env = append(cmd.Env, "HOME="+m.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	m.refused(t, cmd, "mysql.service", "run as root, or give this user a polkit rule for org.freedesktop.systemd1.manage-units")
	m.wantActive(t)
}

// refused fails the test unless a run ends in its preflight, for the reason that the texts are about.
func (m *managed) refused(t *testing.T, cmd *exec.Cmd, texts ...string) {
	t.Helper()
	pid := m.server.PID()
	finish(t, cmd).want(t, exitFailed).says(t, append(texts, "preflight:")...)
	if m.server.PID() != pid {
		t.Error("the server was stopped")
	}
}

// A unit that systemd would not start again for an hour is started by the run all the same.
func unitStartLimit(t *testing.T, m *managed) {
	m.host.Unit(t, "mysql.service", "[Unit]\nStartLimitIntervalSec=3600\nStartLimitBurst=1\n"+unitOf(m.server, "always"))
	for range 2 {
		m.drydock(t, "run", "--file", m.job, "--json").want(t, exitDone)
		m.wantActive(t)
	}
}

// A unit that has failed does not stand in the way of its server's run, which somebody started without it.
func unitFailed(t *testing.T, m *managed) {
	m.host.Unit(t, "mysql.service", unitOf(m.server, "no"))
	m.host.Systemctl(t, "kill", "--signal=SIGKILL", "mysql.service")
	testenv.Eventually(t, time.Minute, "the unit has failed", func() bool {
		return m.host.Systemctl(t, "show", "--property=ActiveState", "mysql.service") == "ActiveState=failed"
	})
	m.server.Start(t)
	m.drydock(t, "run", "--file", m.job, "--json").want(t, exitDone)
	m.wantActive(t)
}

// A job with service "exec" stops by SQL a server that is a unit with Restart=always: systemd brings it back in the
// middle of the copy. That is seen, and the unit's server stays the only one.
func unitRestarts(t *testing.T, m *managed) {
	m.writeJob(t, slowly(jobText{}))
	r := watchedRun(t, m.command(t, "run", "--file", m.job, "--json"), progress("capture"), func(pid int) {
		frozen(t, pid, "systemd has started the server again", func() bool { return holder(m.server.DataDir) != 0 })
	}).want(t, exitFailed)
	r.says(t, "works on", "no consistent copy", "hint: if a service manager")
	m.wantActive(t)
	m.wantNothing(t)
}

func unitStarted(t *testing.T, m *managed) {
	text, err := os.ReadFile(m.job)
	if err != nil {
		t.Fatal(err)
	}
	slow := strings.Replace(string(text), `compress "zstd" {}`, "compress \"zstd\" {\n    level = \"best\"\n  }", 1)
	if err := os.WriteFile(m.job, []byte(slow), 0o600); err != nil {
		t.Fatal(err)
	}
	run := watchedRun(t, m.command(t, "run", "--file", m.job, "--json"), progress("capture"), func(pid int) {
		m.host.Systemctl(t, "start", "--no-block", "mysql.service")
		frozen(t, pid, "the unit's server is up", func() bool { return holder(m.server.DataDir) != 0 })
	})
	run.want(t, exitFailed).says(t, "works on", "during the copy")
	m.wantActive(t)
	m.wantNothing(t)
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
