//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
)

// A run that could not start MySQL again leaves the matter open: recover tries again.
func downThenRecover(t *testing.T, h *site) {
	died := h.leaveDown(t)
	found := h.recover(t)
	if len(found) != 1 || found[0].RunID != died || !found[0].MySQLStarted || found[0].Artifact != "" {
		t.Errorf("recovered: %+v", found)
	}
	h.wantUp(t)
	if again := h.recover(t); len(again) != 0 {
		t.Errorf("recovered again: %+v", again)
	}
}

// So does the next run, instead of taking MySQL for one that is meant to be down.
func downThenRun(t *testing.T, h *site) {
	h.leaveDown(t)
	if e, _ := h.run(t, exitDone); e.DowntimeSeconds == 0 {
		t.Error("MySQL was not up before the run")
	}
}

// leaveDown makes a run that cannot start MySQL again, tells everybody (R9.4, R9.6), and mends the job.
func (h *site) leaveDown(t *testing.T) (run string) {
	t.Helper()
	events := make(chan map[string]any, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e map[string]any
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		events <- e
	}))
	defer hook.Close()
	h.writeJob(t, jobText{Extra: fmt.Sprintf(
		"notify \"webhook\" \"dba\" {\n    on  = [\"mysql-down\"]\n    url = %q\n  }", hook.URL)})
	h.breakStart(t)
	e, _ := h.run(t, exitDown)
	if h.server.Running() {
		t.Fatal("the server runs")
	}
	select {
	case told := <-events:
		text := fmt.Sprint(told)
		for _, part := range []string{"mysql-down", "critical", "IS DOWN", "disk is on fire", "by hand"} {
			if !strings.Contains(text, part) {
				t.Errorf("the notification does not say %q: %s", part, text)
			}
		}
	default:
		t.Error("nobody was told")
	}
	r := drydock(t, h.args("recover", "--file", h.job)...).want(t, exitDown) // nothing has changed yet
	r.says(t, "MySQL IS DOWN", "disk is on fire", "/bin/sh -c")
	h.writeJob(t, jobText{})
	return e.Run
}

// breakStart has the job's start command fail.
func (h *site) breakStart(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(h.job)
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(string(text), "start = [", `start = ["/bin/sh", "-c", "echo disk is on fire; exit 7", `, 1)
	if err := os.WriteFile(h.job, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A terminal that goes away cancels the run like Ctrl-C, and MySQL comes back first.
func hangUp(t *testing.T, h *site) {
	h.writeJob(t, slowly(jobText{}))
	h.during(t, "capture", func(pid int) {
		if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
			t.Error(err)
		}
	}).want(t, exitCancelled)
	h.wantUp(t)
	h.wantNothing(t)
}

// A reader of the output that goes away, as in `drydock run | head`, does not end the run.
func closedPipe(t *testing.T, h *site) {
	h.writeJob(t, slowly(jobText{}))
	cmd := drydockCommand(t, h.args("run", "--file", h.job, "--json")...)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(pipe); lines.Scan() && !strings.Contains(lines.Text(), "capture"); {
	}
	_ = pipe.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("run: %v", err)
	}
	if list := h.backups(t); len(list) != 1 {
		t.Errorf("backups: %+v", list)
	}
}
