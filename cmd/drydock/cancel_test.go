//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// cancelCase is a moment at which a run is cancelled. From the event freeze on, the target takes nothing more, so that the
// run cannot end before the cancellation reaches it.
type cancelCase struct {
	job        jobText
	freeze, at moment
	whole      bool // the artifact is kept
}

// A run can be cancelled in every step, in every way (R6.4): MySQL comes back, nothing looks like a backup, and an
// artifact that is whole is kept for resume.
func TestCancel(t *testing.T) {
	t.Parallel()
	early := jobText{Restart: "after-capture"}
	cases := map[string]cancelCase{
		"stop":                {at: step("stop", "begun")},
		"capture":             {job: slowly(jobText{}), at: progress("capture")},
		"ship":                {freeze: step("capture", "begun"), at: step("ship", "begun"), whole: true},
		"restart":             {freeze: step("restart", "begun"), at: step("restart", "begun"), whole: true},
		"confirm":             {freeze: step("restart", "begun"), at: step("confirm", "begun"), whole: true},
		"commit":              {freeze: step("restart", "begun"), at: step("commit", "begun"), whole: true},
		"ship, MySQL up":      {job: early, freeze: step("capture", "begun"), at: step("ship", "begun"), whole: true},
		"restart, shipping":   {job: early, freeze: step("capture", "begun"), at: step("restart", "begun"), whole: true},
		"before MySQL is hit": {at: step("preflight", "begun")},
	}
	for how, cancel := range map[string]func(t *testing.T, h *site, r running) func(){
		"SIGINT": signalled(syscall.SIGINT), "SIGTERM": signalled(syscall.SIGTERM), "drydock cancel": requested,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel() // most of the time goes by while a provider that does not answer is waited for
			s := testenv.MySQL(t)
			s.Fill(t, testenv.FillOptions{BigMB: megabytes(20)})
			for name, c := range cases {
				t.Run(name, func(t *testing.T) { cancelOne(t, newSite(t, s), c, cancel) })
			}
		})
	}
}

// running is a run that goes on.
type running struct {
	pid int
	id  string
}

func signalled(sig syscall.Signal) func(*testing.T, *site, running) func() {
	return func(t *testing.T, _ *site, r running) func() {
		sendSignal(t, r.pid, sig)
		return func() {}
	}
}

// requested has another process cancel the run, and waits for it in the end.
func requested(t *testing.T, h *site, r running) func() {
	var stdout, stderr bytes.Buffer
	cmd := drydockCommand(t, h.args("cancel", r.id, "--json")...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := cmd.Wait(); err != nil {
			t.Errorf("cancel: %v\n%s", err, stderr.String())
		}
		var ended agent.Ended
		if err := json.Unmarshal(stdout.Bytes(), &ended); err != nil || ended.RunID != r.id ||
			ended.Status != h.status(t, r.id) || !strings.Contains(ended.By, "drydock run") {
			t.Errorf("cancel says %s (%v)", stdout.String(), err)
		}
	}
}

func cancelOne(t *testing.T, h *site, c cancelCase, cancel func(*testing.T, *site, running) func()) {
	h.writeJob(t, c.job)
	r := h.cancelled(t, c, cancel).want(t, exitCancelled)
	h.wantUp(t)
	h.wantNothing(t)
	e := lastEvent(t, r)
	if e.Status != agent.StatusCancelled {
		t.Errorf("status %q: %s", e.Status, r.stderr)
	}
	want := "cancelled"
	if c.whole {
		want = "waiting"
	}
	if got := h.status(t, e.Run); got != want {
		t.Errorf("the history says %q, want %q", got, want)
	}
	if found := h.recover(t); len(found) != 0 {
		t.Errorf("something was left to recover: %+v", found)
	}
	if !c.whole {
		h.wantNoTrace(t, e.Run)
		return
	}
	r.says(t, "drydock resume "+e.Run)
	pid := h.server.PID()
	drydock(t, h.args("resume", e.Run, "--file", h.job)...).want(t, exitDone)
	drydock(t, h.args("verify", e.Run, "--deep")...).want(t, exitDone)
	if h.server.PID() != pid {
		t.Error("resume restarted MySQL")
	}
	h.wantNoTrace(t, e.Run)
}

// cancelled runs a backup that is cancelled in the middle.
func (h *site) cancelled(t *testing.T, c cancelCase, cancel func(*testing.T, *site, running) func()) result {
	t.Helper()
	cmd := drydockCommand(t, h.args("run", "--file", h.job, "--json")...)
	var stdout, stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var finish func()
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		stdout.Write(append(lines.Bytes(), '\n'))
		var e agent.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Errorf("event %q: %v", lines.Text(), err)
		}
		if c.freeze != nil && c.freeze(e) {
			freezeTarget(t, cmd)
		}
		if finish == nil && c.at(e) {
			finish = cancel(t, h, running{cmd.Process.Pid, e.Run})
		}
	}
	_ = cmd.Wait()
	if finish == nil {
		t.Fatalf("the run was not cancelled:\n%s\n%s", stdout.String(), stderr.String())
	}
	finish()
	return result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// freezeTarget stops the target's provider where it is. The agent kills it when it needs it no more.
func freezeTarget(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	all := children(t, cmd.Process.Pid)
	i := slices.IndexFunc(all, func(c child) bool { return strings.Contains(c.args, "serve storage file") })
	if i < 0 {
		t.Fatalf("no storage provider: %v", all)
	}
	sendSignal(t, all[i].pid, syscall.SIGSTOP)
}
