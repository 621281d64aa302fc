//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// patience is how long a test waits for what comes by itself; only a broken program needs it all.
const patience = 2 * time.Minute

// A target that goes away does not fail a backup (R8.6, R9.3): MySQL comes back, the artifact waits in the spool, and goes
// out when the target is back, the oldest first, by the service or by resume. What may wait is bounded.
func TestWaitingQueue(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: 4})
	for name, run := range map[string]func(t *testing.T, h *site){
		"the service ships, oldest first": serviceShips,
		"resume ships, oldest first":      resumeShips,
		"a job file breaks":               brokenFile,
		"no room for another one":         queueFull,
		"cancelled while it waits":        heldBack,
		"given up":                        givenUp,
		"the service has the job":         serviceHasTheJob,
	} {
		t.Run(name, func(t *testing.T) {
			h := newSite(t, s)
			h.target = filepath.Join(h.dir, "mounted")
			tmpfs(t, h.target, "400m")
			h.writeJob(t, jobText{ChunkSize: "1MiB"})
			run(t, h)
			h.wantUp(t)
		})
	}
}

// away makes the target read-only, and back brings it back.
func (h *site) away(t *testing.T) { h.remount(t, unix.MS_RDONLY) }
func (h *site) back(t *testing.T) { h.remount(t, 0) }

func (h *site) remount(t *testing.T, flags uintptr) {
	t.Helper()
	testenv.Eventually(t, patience, "the target is remounted", func() bool { // a provider may have a file open still
		return unix.Mount("tmpfs", h.target, "tmpfs", unix.MS_REMOUNT|flags, "") == nil
	})
}

// waitingRun makes a run whose target goes away while MySQL stops. The queue says when the artifact is tried again.
func (h *site) waitingRun(t *testing.T, queue string) agent.Event {
	t.Helper()
	h.back(t)
	pid := h.server.PID()
	gone := false
	cmd := drydockCommand(t, h.args("run", "--file", h.job, "--json", "--config", h.config(t, queue))...)
	r := watch(t, cmd, func(e agent.Event) {
		if !gone && step("stop", "begun")(e) {
			gone = true
			h.away(t)
		}
	}).want(t, exitPartial)
	h.wantUp(t)
	e := lastEvent(t, r)
	if e.Status != agent.StatusWaiting || e.BackupID != "" || h.server.PID() == pid {
		t.Fatalf("finished: %+v", e.Outcome)
	}
	r.says(t, "read-only", "drydock resume "+e.Run)
	return e
}

// watch runs a command that prints events and shows them to see.
func watch(t *testing.T, cmd *exec.Cmd, see func(agent.Event)) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(pipe); d.More(); {
		var e agent.Event
		if err := d.Decode(&e); err != nil {
			t.Fatalf("events: %v\n%s", err, stdout.String())
		}
		line, _ := json.Marshal(e)
		stdout.Write(append(line, '\n'))
		see(e)
	}
	_ = cmd.Wait()
	return result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// history lists the runs of the job, the oldest first.
func (h *site) history(t *testing.T) []agent.RunRow {
	t.Helper()
	var rows []agent.RunRow
	r := drydock(t, h.args("runs", h.name, "--json")...).want(t, exitDone)
	if err := json.Unmarshal([]byte(r.stdout), &rows); err != nil {
		t.Fatalf("runs --json: %v\n%s", err, r.stdout)
	}
	slices.Reverse(rows)
	return rows
}

// wantWaiting fails the test unless all runs wait for the target and say why.
func (h *site) wantWaiting(t *testing.T, n int) {
	t.Helper()
	rows := h.history(t)
	if len(rows) != n {
		t.Fatalf("runs: %+v", rows)
	}
	for _, r := range rows {
		w := r.Waiting
		if r.Status != "waiting" || w == nil || w.Bytes < 1e5 || w.NextTry.IsZero() || w.Tries != 1 || w.Held ||
			len(w.Targets) != 1 || w.Targets[0].Target != "nas" || !strings.Contains(w.Targets[0].Error, "read-only") {
			t.Errorf("run %+v waits: %+v", r, w)
		}
	}
	text := drydock(t, h.args("runs")...).want(t, exitDone).stdout
	if strings.Count(text, "waiting") != n || !strings.Contains(text, "nas (") {
		t.Errorf("runs says:\n%s", text)
	}
}

// wantShipped fails the test unless all runs are done, in the order in which they were made.
func (h *site) wantShipped(t *testing.T, pid int) {
	t.Helper()
	rows := h.history(t)
	for i, r := range rows {
		if r.Status != "done" || r.Waiting != nil {
			t.Errorf("run %+v", r)
		}
		if i > 0 && r.Finished.Before(rows[i-1].Finished) {
			t.Errorf("run %s went out before %s", r.RunID, rows[i-1].RunID)
		}
		drydock(t, h.args("verify", r.RunID, "--deep")...).want(t, exitDone)
	}
	if left := h.spooled(t); len(left) != 0 {
		t.Errorf("left in the spool: %v", left)
	}
	if h.server.PID() != pid {
		t.Error("MySQL was restarted for what waited")
	}
}

// config writes an agent file; jobs_dir is where the site's job is.
func (h *site) config(t *testing.T, queue string) string {
	t.Helper()
	path := filepath.Join(h.dir, "agent.conf")
	text := fmt.Sprintf("agent {\n  data_dir = %q\n  jobs_dir = %q\n}\nlog {\n  level = \"info\"\n}\nqueue {\n  %s\n}\n",
		h.state, h.dir, queue)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const quickly = "retry_min = \"1s\"\n  retry_max = \"2s\""

// served is a service that runs.
type served struct {
	cmd *exec.Cmd
	log string
}

// serve starts the service. It is ended, if it still runs, with the test.
func (h *site) serve(t *testing.T, queue string) *served {
	t.Helper()
	s := &served{cmd: drydockCommand(t, "agent", "--config", h.config(t, queue)), log: filepath.Join(h.dir, "agent.log")}
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = log.Close()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		if t.Failed() {
			t.Logf("the service says:\n%s", s.said(t))
		}
	})
	return s
}

func (s *served) said(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.log)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// stop ends the service as its manager does.
func (s *served) stop(t *testing.T) {
	t.Helper()
	sendSignal(t, s.cmd.Process.Pid, syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the service ended with %v:\n%s", err, s.said(t))
	}
}

func serviceShips(t *testing.T, h *site) {
	for range 3 {
		h.waitingRun(t, quickly)
	}
	h.wantWaiting(t, 3)
	pid := h.server.PID()
	s := h.serve(t, quickly)
	h.awaitTry(t)
	s.stop(t)
	h.back(t)
	s = h.serve(t, quickly) // the target is there now: one pass ships all, in order
	testenv.Eventually(t, patience, "everything is shipped", func() bool {
		return !slices.ContainsFunc(h.history(t), func(r agent.RunRow) bool { return r.Status != "done" })
	})
	s.stop(t)
	h.wantShipped(t, pid)
}

// awaitTry waits until the service has tried the first run.
func (h *site) awaitTry(t *testing.T) {
	t.Helper()
	testenv.Eventually(t, patience, "the service tries while the target is away", func() bool {
		return h.history(t)[0].Waiting.Tries > 1
	})
}

// brokenFile: a job file that breaks does not replace what was read from it (R2.4).
func brokenFile(t *testing.T, h *site) {
	h.waitingRun(t, quickly)
	pid := h.server.PID()
	s := h.serve(t, quickly)
	h.awaitTry(t)
	if err := os.WriteFile(h.job, []byte("job \"shop\" {\n  mysql {"), 0o600); err != nil {
		t.Fatal(err)
	}
	sendSignal(t, s.cmd.Process.Pid, syscall.SIGHUP)
	testenv.Eventually(t, patience, "the service says what is wrong", func() bool {
		return strings.Contains(s.said(t), "a job file has mistakes") && strings.Contains(s.said(t), h.job)
	})
	h.back(t)
	testenv.Eventually(t, patience, "it is shipped", func() bool { return h.history(t)[0].Status == "done" })
	s.stop(t)
	h.writeJob(t, jobText{})
	h.wantShipped(t, pid)
}

func resumeShips(t *testing.T, h *site) {
	first := h.waitingRun(t, "")
	h.waitingRun(t, "")
	pid := h.server.PID()
	r := drydock(t, h.args("resume", "--file", h.job)...).want(t, exitPartial) // still away
	r.says(t, "read-only")
	show := drydock(t, h.args("run", "show", first.Run)...).want(t, exitDone)
	for _, text := range []string{first.Run, "tried 2 time(s)", "for nas: ", "read-only", "does not hold it", "capture"} {
		if !strings.Contains(show.stdout, text) {
			t.Errorf("run show does not say %q:\n%s", text, show.stdout)
		}
	}
	h.back(t)
	drydock(t, h.args("resume", "--file", h.job)...).want(t, exitDone)
	h.wantShipped(t, pid)
}

// With the queue full, the next run is refused before MySQL is touched, and plan says so, too.
func queueFull(t *testing.T, h *site) {
	const small = "max_bytes = \"1MiB\""
	h.waitingRun(t, small)
	config := h.config(t, small)
	h.back(t)
	pid := h.server.PID()
	_, r := h.run(t, exitFailed, "--config", config)
	r.says(t, "preflight:", "artifact(s)", "queue max_bytes", "drydock resume")
	plan := drydock(t, "plan", "--file", h.job, "--config", config).want(t, exitFailed)
	if !strings.Contains(plan.stdout, "queue max_bytes") {
		t.Errorf("plan says:\n%s", plan.stdout)
	}
	if h.server.PID() != pid {
		t.Error("MySQL was stopped")
	}
	drydock(t, h.args("resume", "--file", h.job)...).want(t, exitDone)
	h.run(t, exitDone, "--config", config)
}

// heldBack: what a person has cancelled goes out when a person says so.
func heldBack(t *testing.T, h *site) {
	cmd := drydockCommand(t, h.args("run", "--file", h.job, "--json")...)
	frozen, id := false, ""
	watch(t, cmd, func(e agent.Event) {
		switch {
		case !frozen && step("capture", "begun")(e):
			frozen = true
			freezeTarget(t, cmd)
		case id == "" && step("ship", "begun")(e):
			id = e.Run
			sendSignal(t, cmd.Process.Pid, syscall.SIGINT)
		}
	}).want(t, exitCancelled)
	if rows := h.history(t); len(rows) != 1 || rows[0].Waiting == nil || !rows[0].Waiting.Held {
		t.Fatalf("runs: %+v", rows)
	}
	s := h.serve(t, quickly)
	h.waitingRun(t, quickly) // somebody else's turn: when this one is shipped, the service has passed the other by
	h.back(t)
	testenv.Eventually(t, patience, "the second run is shipped", func() bool { return h.history(t)[1].Status == "done" })
	if rows := h.history(t); rows[0].Status != "waiting" {
		t.Errorf("the cancelled run is %s", rows[0].Status)
	}
	s.stop(t)
	drydock(t, h.args("resume", id, "--file", h.job)...).want(t, exitDone)
	if left := h.spooled(t); len(left) != 0 {
		t.Errorf("left in the spool: %v", left)
	}
}

// givenUp: what waits for a target that never comes back can be dropped, and nothing else can.
func givenUp(t *testing.T, h *site) {
	e := h.waitingRun(t, "")
	drydock(t, h.args("cancel", "--drop", e.Run)...).want(t, exitDone)
	if got := h.status(t, e.Run); got != "cancelled" || len(h.spooled(t)) != 0 {
		t.Errorf("status %q, in the spool: %v", got, h.spooled(t))
	}
	h.back(t)
	h.wantNothing(t)
	drydock(t, h.args("cancel", "--drop", e.Run)...).want(t, exitFailed).says(t, "only a run whose artifact waits")
	drydock(t, h.args("cancel", "--drop", "shop")...).want(t, exitUsage)
	drydock(t, h.args("cancel", e.Run)...).want(t, exitFailed).says(t, "no such run is going on")
}

// serviceHasTheJob: while the service ships for a job, a command line that wants the job is refused and told who has it;
// cancel reaches the transfer in the service, and the service goes on.
func serviceHasTheJob(t *testing.T, h *site) {
	e := h.waitingRun(t, quickly)
	h.back(t)
	h.writeJob(t, jobText{Target: "target \"s3\" \"nas\" {\n    bucket = \"nobody\"\n    region = \"x\"\n    access_key = \"x\"\n" +
		"    secret_key = \"x\"\n    endpoint = \"http://127.0.0.1:1\"\n  }"}) // nobody answers there
	s := h.serve(t, quickly)
	testenv.Eventually(t, patience, "a command is refused because of the service", func() bool {
		r := drydock(t, h.args("recover", "--file", h.job)...)
		return r.code == exitFailed && strings.Contains(r.stderr, fmt.Sprintf("process %d (drydock agent) since", s.cmd.Process.Pid))
	})
	testenv.Eventually(t, patience, "the transfer is cancelled", func() bool {
		return drydock(t, h.args("cancel", e.Run)...).code == exitDone
	})
	testenv.Eventually(t, patience, "it is held", func() bool {
		w := h.history(t)[0].Waiting
		return w != nil && w.Held
	})
	h.writeJob(t, jobText{})
	drydock(t, h.args("resume", e.Run, "--file", h.job)...).want(t, exitDone)
	s.stop(t) // it has lived through all that
	if got := h.status(t, e.Run); got != "done" {
		t.Errorf("status %q", got)
	}
}
