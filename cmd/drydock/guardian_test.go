//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// guardLimit is for what takes seconds on an idle host.
const guardLimit = 2 * time.Minute

// The agent dies in every way, and its guardian brings MySQL up, once, without anybody's help. (R3.7, R9.2)
func TestGuardian(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: megabytes(25)})
	quick, slow := jobText{}, slowly(jobText{})
	sigkill := func(t *testing.T, _ *site, pid int) { signalTo(t, pid, syscall.SIGKILL) }
	cases := map[string]func(t *testing.T, h *site){
		"as the stop begins":   func(t *testing.T, h *site) { guarded(t, h, quick, step("stop", "begun"), sigkill) },
		"right after the stop": func(t *testing.T, h *site) { guarded(t, h, quick, step("stop", "done"), sigkill) },
		"in capture":           func(t *testing.T, h *site) { guarded(t, h, slow, progress("capture"), sigkill) },
		"in ship":              func(t *testing.T, h *site) { guarded(t, h, quick, step("ship", "begun"), sigkill) },
		"as the restart begins": func(t *testing.T, h *site) {
			guarded(t, h, quick, step("restart", "begun"), sigkill)
		},
		"with its process group": func(t *testing.T, h *site) {
			guarded(t, h, slow, progress("capture"), func(t *testing.T, _ *site, pid int) { signalTo(t, -pid, syscall.SIGKILL) })
		},
		"after its guardian": func(t *testing.T, h *site) { guarded(t, h, slow, progress("capture"), killGuardianFirst) },
		"with a slow stop command": func(t *testing.T, h *site) {
			// Right after the intent was written; the command asks the server to stop when the agent is long dead.
			j := jobText{StopTimeout: "20s", Stop: `["/bin/sh", "-c", "sleep 8; kill $(cat ` + h.server.PIDFile + `)"]`}
			guarded(t, h, j, step("stop", "begun"), killOnceStopping)
		},
		"a start that fails once": func(t *testing.T, h *site) {
			mark := filepath.Join(h.dir, "failed")
			guarded(t, h, jobText{Start: startBy(t, h, `test -e '`+mark+`' || { touch '`+mark+`'; exit 1; }; exec "$@"`)},
				step("stop", "done"), sigkill)
		},
		"without the state":      guardedBlindly,
		"cannot be started":      noGuardian,
		"killed again and again": killedGuardians,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			h := newSite(t, s)
			run(t, h)
			h.wantUp(t)
		})
	}
}

func signalTo(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Error(err)
	}
}

// guarded has a run die at some moment, and waits until the guardian has done its work.
func guarded(t *testing.T, h *site, j jobText, at moment, kill func(t *testing.T, h *site, pid int)) {
	t.Helper()
	h.writeJob(t, j)
	pid := h.server.PID()
	run := h.dies(t, at, kill)
	h.comesBack(t)
	var found []agent.Recovered
	r := drydock(t, h.args("recover", "--file", h.job, "--json")...).want(t, exitDone)
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil {
		t.Fatal(err)
	}
	untouched := h.server.PID() == pid // it died before anything was written down
	if len(found) != 1 || found[0].RunID != run || found[0].StartedBy != "guardian" && !untouched {
		t.Errorf("recovered: %+v\n%s", found, h.guardianLog(t))
	}
	h.writeJob(t, jobText{})
	h.run(t, exitDone)
}

// dies runs a backup in a process group of its own and has it die at some moment.
func (h *site) dies(t *testing.T, at moment, kill func(t *testing.T, h *site, pid int)) (run string) {
	t.Helper()
	cmd := drydockCommand(t, h.args("run", "--file", h.job, "--json")...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		var e agent.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Errorf("event %q: %v", lines.Text(), err)
		}
		if run == "" && at(e) {
			run = e.Run
			kill(t, h, cmd.Process.Pid)
		}
	}
	_ = cmd.Wait()
	if run == "" || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("run %q was not killed: %v\n%s", run, cmd.ProcessState, stderr.String())
	}
	return run
}

// comesBack waits until the guardians of the job have ended, and the server answers.
func (h *site) comesBack(t *testing.T) {
	t.Helper()
	testenv.Eventually(t, guardLimit, "the guardian ends", func() bool { return len(h.guardians(t)) == 0 })
	h.wantUp(t)
}

// guardians lists the guardian processes whose log is in this site's state directory.
func (h *site) guardians(t *testing.T) (pids []string) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/fd/2")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if log, err := os.Readlink(name); err == nil && log == h.guardianLogPath() {
			pids = append(pids, strings.Split(name, "/")[2])
		}
	}
	return pids
}

func (h *site) guardianLogPath() string { return filepath.Join(h.state, "log", h.name+".guardian.log") }

func (h *site) guardianLog(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(h.guardianLogPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	return string(text)
}

// guardianOf returns the guardian of a running agent.
func guardianOf(t *testing.T, agent int) int {
	t.Helper()
	for _, c := range children(t, agent) {
		if strings.HasSuffix(strings.TrimSpace(c.args), " guardian") {
			return c.pid
		}
	}
	return 0
}

// killGuardianFirst kills the guardian and, once another one watches, the agent.
func killGuardianFirst(t *testing.T, h *site, pid int) {
	t.Helper()
	h.killGuardian(t, pid)
	signalTo(t, pid, syscall.SIGKILL)
}

// killGuardian kills the guardian of a running agent and waits until another one watches.
func (h *site) killGuardian(t *testing.T, agent int) {
	t.Helper()
	watching := func() int { return strings.Count(h.guardianLog(t), "watching over MySQL") }
	before := watching()
	signalTo(t, guardianOf(t, agent), syscall.SIGKILL)
	testenv.Eventually(t, guardLimit, "another guardian watches", func() bool { return watching() > before })
}

// killOnceStopping kills the agent while its stop command sleeps.
func killOnceStopping(t *testing.T, _ *site, pid int) {
	t.Helper()
	testenv.Eventually(t, guardLimit, "the stop command runs", func() bool {
		return slices.ContainsFunc(children(t, pid), func(c child) bool { return strings.Contains(c.args, "sleep 8") })
	})
	signalTo(t, pid, syscall.SIGKILL)
}

// guardedBlindly: the state cannot be had any more when the agent dies. The guardian knows enough without it, and what it
// could not write down is made good once the state is back.
func guardedBlindly(t *testing.T, h *site) {
	file := state.Path(h.state, h.name)
	run := h.dies(t, step("stop", "done"), func(t *testing.T, _ *site, pid int) {
		sendSignal(t, pid, syscall.SIGSTOP)
		if err := errors.Join(os.Rename(file, file+".aside"), os.Mkdir(file, 0o700)); err != nil {
			t.Error(err)
		}
		sendSignal(t, pid, syscall.SIGKILL)
	})
	h.comesBack(t)
	if log := h.guardianLog(t); !strings.Contains(log, "without it") || !strings.Contains(log, "MySQL is up; record it") {
		t.Errorf("log: %s", log)
	}
	if err := errors.Join(os.Remove(file), os.Rename(file+".aside", file)); err != nil {
		t.Fatal(err)
	}
	pid := h.server.PID()
	if found := h.recover(t); len(found) != 1 || found[0].RunID != run || h.server.PID() != pid {
		t.Errorf("recovered: %+v; process %d is %d now", found, pid, h.server.PID())
	}
	h.run(t, exitDone)
}

// Without a guardian nothing is stopped.
func noGuardian(t *testing.T, h *site) {
	if err := os.MkdirAll(h.guardianLogPath(), 0o700); err != nil { // a directory where the log would be
		t.Fatal(err)
	}
	pid := h.server.PID()
	_, r := h.run(t, exitFailed)
	r.says(t, "start the guardian", h.guardianLogPath())
	if h.server.PID() != pid {
		t.Error("MySQL was stopped")
	}
	if found := h.recover(t); len(found) != 0 {
		t.Errorf("recovered: %+v", found)
	}
	h.wantNothing(t)
}

// Guardians that are killed are replaced, the run goes on, and the last one ends with it.
func killedGuardians(t *testing.T, h *site) {
	h.writeJob(t, slowly(jobText{}))
	h.during(t, "capture", func(pid int) {
		for range 3 {
			h.killGuardian(t, pid)
		}
	}).want(t, exitDone)
	if left := h.guardians(t); len(left) != 0 {
		t.Errorf("guardians: %v", left)
	}
	if log := h.guardianLog(t); !strings.Contains(log, "no guardian any more") || strings.Contains(log, h.server.Password) {
		t.Errorf("log: %s", log)
	}
}

// The run that died took its guardian with it: the next one brings MySQL up even if its job file is refused by now.
func TestRefusedFileKeepsNothingDown(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	for name, spoil := range map[string]jobText{
		"unknown provider": {Target: "target \"nowhere\" \"nas\" {}"},
		"no HCL at all":    {Extra: "}}} {{{"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newSite(t, s)
			h.writeJob(t, slowly(jobText{}))
			h.dies(t, step("stop", "done"), func(t *testing.T, _ *site, pid int) {
				for _, c := range children(t, pid) { // both are frozen, so that neither sees the other one die
					if strings.HasSuffix(strings.TrimSpace(c.args), " guardian") {
						signalTo(t, pid, syscall.SIGSTOP)
						signalTo(t, c.pid, syscall.SIGKILL)
					}
				}
				signalTo(t, pid, syscall.SIGKILL)
			})
			if h.server.Running() {
				t.Fatal("the server runs")
			}
			h.writeJob(t, spoil)
			drydock(t, h.args("run", "--file", h.job)...).want(t, exitUsage).says(t, "MySQL is up again")
			h.wantUp(t)
			h.writeJob(t, jobText{})
			h.run(t, exitDone)
		})
	}
}

// Past the budget a copy that is not complete is dropped: the stop alone has used it up here.
func TestMaxDowntimeInCapture(t *testing.T) {
	t.Parallel()
	h := newSite(t, testenv.MySQL(t))
	h.writeJob(t, jobText{MaxDowntime: "1s", Stop: `["/bin/sh", "-c", "sleep 2; kill $(cat ` + h.server.PIDFile + `)"]`})
	p := h.plan(t)
	if p.BudgetSeconds != 1 || !strings.Contains(strings.Join(p.Warnings, "\n"), "longer than max_downtime of 1s") || !p.OK {
		t.Errorf("plan: %+v", p)
	}
	e, r := h.run(t, exitFailed)
	r.says(t, "capture:", "max_downtime of 1s is used up", "bytes were archived", "hint: allow more time")
	if e.BudgetSeconds != 1 || e.PredictedSeconds == 0 || e.DowntimeSeconds < 1 || e.Status != agent.StatusFailed {
		t.Errorf("finished: %+v", e.Outcome)
	}
	h.wantUp(t)
	h.wantNothing(t)
	h.wantNoTrace(t, e.Run)
}
