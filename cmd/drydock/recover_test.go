//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// moment tells at which event the agent gets SIGKILL.
type moment func(agent.Event) bool

// slowly makes a step long enough to be hit: small chunks, and as much compression as there is.
func slowly(j jobText) jobText {
	j.ChunkSize, j.Compress = "1MiB", "compress \"zstd\" {\n    level = \"best\"\n  }"
	return j
}

func step(name, phase string) moment {
	return func(e agent.Event) bool { return e.Event == agent.EventStep && e.Step == name && e.Phase == phase }
}

func progress(name string) moment {
	return func(e agent.Event) bool { return e.Event == agent.EventProgress && e.Step == name && e.Bytes > 0 }
}

// The agent dies at once, by SIGKILL, and leaves no process behind but the server. Then either recover or simply the
// next run brings MySQL up, once, and drops what was unfinished (R3.7, R5.2, R6.4, R9.2). An artifact that is whole is
// kept, and resume ships it.
func TestCrash(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: 25})
	quick, slow := jobText{}, slowly(jobText{})
	early := jobText{Restart: "after-capture", ChunkSize: "1MiB"}
	cases := map[string]func(t *testing.T, h *site){
		"as the stop begins, recover":   func(t *testing.T, h *site) { recoverAfter(t, h, quick, step("stop", "begun")) },
		"right after the stop, recover": func(t *testing.T, h *site) { recoverAfter(t, h, quick, step("stop", "done")) },
		"right after the stop, run":     func(t *testing.T, h *site) { runAfter(t, h, quick, step("stop", "done")) },
		"in capture, recover":           func(t *testing.T, h *site) { recoverAfter(t, h, slow, progress("capture")) },
		"in capture, run":               func(t *testing.T, h *site) { runAfter(t, h, slow, progress("capture")) },
		"in ship":                       func(t *testing.T, h *site) { keptAfter(t, h, quick, step("ship", "begun")) },
		"in commit":                     func(t *testing.T, h *site) { keptAfter(t, h, quick, step("commit", "begun")) },
		"after the restart":             func(t *testing.T, h *site) { keptAfter(t, h, early, step("confirm", "done")) },
		"MySQL was down before":         downBefore,
		"down after a run, recover":     downThenRecover,
		"down after a run, run":         downThenRun,
		"the terminal hangs up":         hangUp,
		"the reader of the output goes": closedPipe,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			h := newSite(t, s)
			run(t, h)
			h.wantUp(t)
		})
	}
}

// kill runs a backup and kills the agent at the first event that at wants. It returns the run's id.
func (h *site) kill(t *testing.T, at moment) string {
	t.Helper()
	return killAt(t, drydockCommand(t, h.args("run", "--file", h.job, "--json")...), at)
}

func killAt(t *testing.T, cmd *exec.Cmd, at moment) string {
	t.Helper()
	var told, stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	run, plugins := "", []child(nil)
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		told.Write(append(lines.Bytes(), '\n'))
		var e agent.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Errorf("event %q: %v", lines.Text(), err)
		}
		if run == "" && at(e) {
			run, plugins = e.Run, children(t, cmd.Process.Pid)
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait()
	if run == "" || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("run %q was not killed: %v\n%s\n%s", run, cmd.ProcessState, told.String(), stderr.String())
	}
	wantGone(t, plugins)
	return run
}

// wantGone waits until no provider process is left. (R9.5)
func wantGone(t *testing.T, all []child) {
	t.Helper()
	plugins := 0
	for _, c := range all {
		if !strings.Contains(c.args, "plugin serve") {
			continue
		}
		plugins++
		testenv.Eventually(t, 30*time.Second, "provider is gone: "+c.args, func() bool {
			args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", c.pid))
			return err != nil || !strings.Contains(string(args), "plugin")
		})
	}
	if plugins < 2 {
		t.Errorf("providers of the run: %v", all)
	}
}

// recover finishes the business of a run that died.
func (h *site) recover(t *testing.T) []agent.Recovered {
	t.Helper()
	var found []agent.Recovered
	r := drydock(t, h.args("recover", "--file", h.job, "--json")...).want(t, exitDone)
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil {
		t.Fatalf("recover --json: %v\n%s", err, r.stdout)
	}
	return found
}

// status returns what the history says of a run.
func (h *site) status(t *testing.T, run string) string {
	t.Helper()
	var rows []agent.RunRow
	r := drydock(t, h.args("runs", "--file", h.job, "--json")...).want(t, exitDone)
	if err := json.Unmarshal([]byte(r.stdout), &rows); err != nil {
		t.Fatalf("runs --json: %v\n%s", err, r.stdout)
	}
	for _, row := range rows {
		if row.RunID == run {
			return row.Status
		}
	}
	t.Errorf("run %s is not in the history: %+v", run, rows)
	return ""
}

// wantNoTrace fails the test when something of an unfinished run is left, here or at the target.
func (h *site) wantNoTrace(t *testing.T, run string) {
	t.Helper()
	if _, err := os.Lstat(filepath.Join(h.state, "spool", run)); err == nil {
		t.Errorf("the spool of run %s is left: %v", run, h.spooled(t))
	}
	staged, err := filepath.Glob(filepath.Join(h.target, ".drydock-uploads", "*", "data"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range staged {
		// An upload whose token died with the agent is empty: a chunk is sent only after the token was recorded.
		if info, err := os.Stat(name); err != nil || info.Size() > 0 {
			t.Errorf("an unfinished upload is left at the target: %s, %v", name, err)
		}
	}
}

func recoverAfter(t *testing.T, h *site, j jobText, at moment) {
	h.writeJob(t, j)
	pid := h.server.PID()
	run := h.kill(t, at)
	if got := h.status(t, run); got != "running" {
		t.Errorf("status of a run that died: %q", got)
	}
	found := h.recover(t)
	if len(found) != 1 || found[0].RunID != run || found[0].Artifact != "dropped" {
		t.Errorf("recovered: %+v", found)
	}
	h.wantUp(t)
	if stopped := h.server.PID() != pid; len(found) == 1 && stopped && !found[0].MySQLStarted {
		t.Error("recover does not say that it started MySQL") // that it was about to be stopped may not have been recorded yet
	}
	h.wantNothing(t)
	h.wantNoTrace(t, run)
	if got := h.status(t, run); got != "failed" {
		t.Errorf("status after recover: %q", got)
	}
	pid = h.server.PID()
	if again := h.recover(t); len(again) != 0 || h.server.PID() != pid {
		t.Errorf("a second recover found %+v; process %d, was %d", again, h.server.PID(), pid)
	}
}

func runAfter(t *testing.T, h *site, j jobText, at moment) {
	h.writeJob(t, j)
	died := h.kill(t, at)
	h.writeJob(t, jobText{}) // quick again
	e, _ := h.run(t, exitDone)
	h.wantUp(t)
	h.wantNoTrace(t, died)
	if list := h.backups(t); len(list) != 1 || list[0].ID != e.BackupID {
		t.Errorf("backups: %+v", list)
	}
	if got := h.status(t, died) + ", " + h.status(t, e.Run); got != "failed, done" {
		t.Errorf("status of both runs: %s", got)
	}
	drydock(t, h.args("verify", e.BackupID, "--deep")...).want(t, exitDone)
}

// A server that was down before the run stays down.
func downBefore(t *testing.T, h *site) {
	h.server.Stop(t)
	defer h.server.Start(t)
	h.writeJob(t, slowly(jobText{}))
	run := h.kill(t, progress("capture"))
	found := h.recover(t)
	if len(found) != 1 || found[0].MySQLStarted || found[0].Artifact != "dropped" || h.server.Running() {
		t.Errorf("recovered: %+v, processes %v", found, h.server.Processes())
	}
	h.wantNoTrace(t, run)
}

func keptAfter(t *testing.T, h *site, j jobText, at moment) {
	h.writeJob(t, j)
	before := h.server.Checksums(t)
	run := h.kill(t, at)
	found := h.recover(t)
	if len(found) != 1 || found[0].RunID != run || found[0].Artifact != "kept" {
		t.Fatalf("recovered: %+v", found)
	}
	h.wantUp(t)
	if got := h.status(t, run); got != "waiting" {
		t.Errorf("status after recover: %q", got)
	}
	pid := h.server.PID()
	drydock(t, h.args("resume", run, "--file", h.job)...).want(t, exitDone)
	if h.server.PID() != pid {
		t.Error("resume restarted MySQL")
	}
	h.wantNoTrace(t, run)
	if got := h.status(t, run); got != "done" {
		t.Errorf("status after resume: %q", got)
	}
	h.wantRestored(t, run, before)
}
