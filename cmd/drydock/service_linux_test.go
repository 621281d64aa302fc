package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// housed is a site within a real systemd, where drydock runs as a unit.
type housed struct {
	*site
	host   *testenv.SystemdHost
	binary string
}

// The service in a real systemd (R2.6, R3.7): its own unit file works, hardened as it is; a stop or a SIGKILL of it, or of
// a run, leaves MySQL up, which it may have started itself.
func TestServiceUnit(t *testing.T) {
	t.Parallel()
	host := testenv.Systemd(t)
	s := testenv.MySQL(t, testenv.In(host.Share), testenv.Down())
	h := &housed{site: newSite(t, s), host: host, binary: filepath.Join(host.Share, "drydock")}
	h.move(t, filepath.Join(host.Share, "site"))
	if err := copySelf(h.binary); err != nil {
		t.Fatal(err)
	}
	h.writeJob(t, slowly(jobText{}))
	host.Unit(t, "mysql.service", "[Service]\nType=notify\nTimeoutStopSec=600\nExecStart="+strings.Join(s.StartCommand(), " ")+"\n")
	host.Systemctl(t, "start", "mysql.service")
	s.Fill(t, testenv.FillOptions{BigMB: 20})
	h.wantUp(t)
	host.Unit(t, "drydock.service", h.unitFile(t))

	h.stopInMidRun(t)
	h.mainKilled(t)
	h.recoveredByService(t)
	h.serviceComesAndGoes(t)
}

// move gives the site a place that the inside of the container sees.
func (h *housed) move(t *testing.T, dir string) {
	t.Helper()
	h.dir, h.state, h.target = dir, filepath.Join(dir, "state"), filepath.Join(dir, "target")
	h.job = filepath.Join(dir, "shop.hcl")
	if err := os.MkdirAll(h.target, 0o700); err != nil {
		t.Fatal(err)
	}
}

// unitFile is what drydock agent unit prints.
func (h *housed) unitFile(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), h.binary, "agent", "unit", "--config", h.config(t, quickly))
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("agent unit: %v", err)
	}
	file := filepath.Join(t.TempDir(), "drydock.service")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	wantHardened(t, file)
	return string(text)
}

// wantHardened has systemd judge the unit: 10 is a service without any protection.
func wantHardened(t *testing.T, file string) {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "systemd-analyze", "security", "--no-pager",
		"--offline=true", file).CombinedOutput()
	level := regexp.MustCompile(`exposure level for drydock.service: ([0-9.]+)`).FindSubmatch(out)
	if err != nil || level == nil {
		t.Fatalf("systemd-analyze: %v\n%s", err, out)
	}
	if exposure, err := strconv.ParseFloat(string(level[1]), 64); err != nil || exposure > 4.5 {
		t.Errorf("exposure level %s:\n%s", level[1], out)
	}
}

// startRun starts a backup as a unit of its own and returns when it copies.
func (h *housed) startRun(t *testing.T, unit string) {
	t.Helper()
	out := filepath.Join(h.dir, unit+".out")
	h.host.Unit(t, unit+".service", "[Service]\nKillMode=process\nTimeoutStopSec=600\nStandardOutput=file:"+out+
		"\nExecStart="+h.binary+" run --file "+h.job+" --json --data-dir "+h.state+"\n")
	h.host.Systemctl(t, "start", "--no-block", unit+".service")
	testenv.Eventually(t, patience, "the run copies", func() bool {
		text, _ := os.ReadFile(out)
		return strings.Contains(string(text), `"step":"capture"`)
	})
}

func (h *housed) stopInMidRun(t *testing.T) {
	h.startRun(t, "stopped")
	h.host.Systemctl(t, "stop", "stopped.service")
	h.wantUp(t)
	h.wantNothing(t)
	if rows := h.history(t); len(rows) != 1 || rows[0].Status != "cancelled" {
		t.Errorf("runs: %+v", rows)
	}
}

// mainKilled: the run alone is killed, and its guardian, which the unit leaves alive, brings MySQL up.
func (h *housed) mainKilled(t *testing.T) {
	h.startRun(t, "alone")
	h.host.Systemctl(t, "kill", "--kill-whom=main", "--signal=KILL", "alone.service")
	h.comesBack(t)
	found := h.recover(t)
	if len(found) != 1 || found[0].StartedBy != "guardian" {
		t.Errorf("recovered: %+v\n%s", found, h.guardianLog(t))
	}
	h.wantNothing(t)
}

// recoveredByService: a run is killed, with everything that could help it; the service brings MySQL up when it starts.
func (h *housed) recoveredByService(t *testing.T) {
	h.startRun(t, "killed")
	h.host.Systemctl(t, "kill", "--signal=KILL", "killed.service") // all processes of the unit
	if err := os.WriteFile(h.job, []byte("job \"shop\" {"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.host.Systemctl(t, "start", "drydock.service") // returns when it has said that it is ready
	testenv.Eventually(t, patience, "MySQL is up, although the job's file is broken", func() bool {
		rows := h.history(t)
		return len(h.server.Processes()) == 1 && len(rows) == 3 && !h.pending(t, rows[2].RunID)
	})
	h.wantUp(t)
	h.writeJob(t, jobText{})
	h.host.Systemctl(t, "reload", "drydock.service")
	testenv.Eventually(t, patience, "the business of the run is finished", func() bool {
		return h.history(t)[2].Status == "failed"
	})
	h.wantUp(t)
}

// pending reports whether nobody has seen to MySQL since the run stopped it.
func (h *housed) pending(t *testing.T, run string) bool {
	t.Helper()
	var d struct {
		Pending bool `json:"mysql_pending"`
	}
	r := drydock(t, h.args("run", "show", run, "--json")...).want(t, exitDone)
	if err := json.Unmarshal([]byte(r.stdout), &d); err != nil {
		t.Fatal(err)
	}
	return d.Pending
}

// serviceComesAndGoes: the server that the service has started outlives the service, whatever ends it.
func (h *housed) serviceComesAndGoes(t *testing.T) {
	pid := h.server.PID()
	main := h.host.Systemctl(t, "show", "-P", "MainPID", "drydock.service")
	h.host.Systemctl(t, "kill", "--signal=KILL", "--kill-whom=main", "drydock.service")
	testenv.Eventually(t, patience, "systemd starts the service again", func() bool {
		now := h.host.Systemctl(t, "show", "-P", "MainPID", "drydock.service")
		return now != main && now != "0" && h.host.Systemctl(t, "show", "-P", "ActiveState", "drydock.service") == "active"
	})
	h.host.Systemctl(t, "stop", "drydock.service")
	if got := h.host.Systemctl(t, "show", "-P", "Result", "drydock.service"); got != "success" {
		t.Errorf("the service ended with %s", got)
	}
	h.wantUp(t)
	if h.server.PID() != pid {
		t.Error("MySQL was restarted with the service")
	}
}
