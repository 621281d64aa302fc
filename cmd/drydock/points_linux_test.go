//go:build faults

package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/faultfs"
)

// orders are for the fault points of an agent, and of the guardian that it starts.
type orders struct{ agent, guardian string }

// A way leads past fault points: it prepares a site and returns the command line that passes them.
type way struct {
	name     string
	orders   orders // that come with the order under test
	guardian bool   // it is the guardian that the order under test is for
	slow     bool   // the sample does without it
	prepare  func(t *testing.T, h *site) []string
}

// ways returns all ways; a point belongs to the first one that leads past it, and to the guardian's.
func ways() []way {
	return []way{
		{name: "run", prepare: faultRun},
		{name: "run that fails", orders: orders{agent: "archive.write.after=error"}, prepare: faultRun},
		{name: "run with a stop command", prepare: func(t *testing.T, h *site) []string {
			args := faultRun(t, h)
			h.writeFaultJob(t, jobText{Stop: fmt.Sprintf(`["/bin/sh", "-c", "kill $(cat %s)"]`, h.server.PIDFile)})
			return args
		}},
		{name: "recover", prepare: func(t *testing.T, h *site) []string { // as after a power cut
			o := orders{agent: "step.capture.done.before=kill-all", guardian: "guardian.rescue.before=kill"}
			h.faulty(t, o, faultRun(t, h)...).want(t, killed)
			h.guardianEnds(t)
			return h.args("recover", "--file", h.job)
		}},
		{name: "resume", prepare: func(t *testing.T, h *site) []string {
			h.faulty(t, orders{agent: "step.commit.begun.after=kill"}, faultRun(t, h)...).want(t, killed)
			h.guardianEnds(t)
			drydock(t, h.args("recover", "--file", h.job)...).want(t, exitDone)
			return h.args("resume", "--file", h.job, "--json")
		}},
		{name: "run that gives MySQL back while its target is away", slow: true, prepare: func(t *testing.T, h *site) []string {
			h.targetAway(t)
			return faultRun(t, h)
		}},
		{name: "guardian", orders: orders{agent: "step.capture.done.before=kill"}, guardian: true, prepare: faultRun},
	}
}

func faultRun(t *testing.T, h *site) []string {
	h.writeFaultJob(t, jobText{})
	return h.args("run", "--file", h.job, "--json")
}

// targetAway gives the site a target that is away until the server has been started anew.
func (h *site) targetAway(t *testing.T) {
	t.Helper()
	root := filepath.Join(h.dir, "away")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	disk := faultfs.Mount(t, root)
	h.target = filepath.Join(root, "target")
	if err := os.Mkdir(h.target, 0o700); err != nil {
		t.Fatal(err)
	}
	was, back := h.server.PID(), false
	disk.Inject(func(kind faultfs.Kind, _ string) syscall.Errno {
		if now := h.server.PID(); now != 0 && now != was {
			back = true
		}
		if back || kind != faultfs.Create {
			return 0
		}
		return syscall.EIO
	})
}

// killed is the exit code of a process that a signal has ended.
const killed = -1

// writeFaultJob writes a job that passes as many points as one can: with a notifier, and small chunks.
func (h *site) writeFaultJob(t *testing.T, j jobText) {
	t.Helper()
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	j.Start, j.ChunkSize = h.copyingStart(t), "4MiB"
	j.Extra = fmt.Sprintf("notify \"webhook\" \"dba\" {\n    on  = [\"success\", \"failure\"]\n    url = %q\n  }", hook.URL)
	h.writeJob(t, j)
}

// faulty runs a command line with orders for fault points.
func (h *site) faulty(t *testing.T, o orders, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), faultLimit)
	t.Cleanup(cancel)
	base := drydockCommand(t, args...)
	cmd := exec.CommandContext(ctx, base.Path, args...)
	cmd.Env = append(base.Env,
		"DRYDOCK_FAULT="+o.agent, "DRYDOCK_FAULT_GUARDIAN="+o.guardian, "DRYDOCK_FAULT_TRACE="+h.trace())
	return finish(t, cmd)
}

// faultLimit is longer than any command takes: a hang of 30 seconds, timeouts of the job, and a slow machine.
const faultLimit = 8 * time.Minute

func (h *site) trace() string { return filepath.Join(h.dir, "trace") }

// passed returns the points that are in a trace, and removes it.
func passed(t *testing.T, trace string) []string {
	t.Helper()
	data, err := os.ReadFile(trace)
	if err == nil {
		err = os.Remove(trace)
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(data))
}

// guardianPrefix stands before the names of points that the guardian passes.
const guardianPrefix = "guardian: "

// wayOf walks ways without an order under test, and returns for each point the way that leads past it.
func wayOf(t *testing.T, s *testenv.Server, all []way) map[string]way {
	t.Helper()
	found := map[string]way{}
	for _, w := range all {
		h := newSite(t, s)
		args := w.prepare(t, h)
		_ = os.Remove(h.trace())
		h.faulty(t, w.orders, args...)
		trace, prefix := h.trace(), ""
		if w.guardian {
			h.guardianEnds(t)
			trace, prefix = trace+".guardian", guardianPrefix
		}
		for _, point := range passed(t, trace) {
			if _, known := found[prefix+point]; !known {
				found[prefix+point] = w
			}
		}
		h.wantUp(t)
	}
	return found
}

// Every point of the list is passed by some command, or by the guardian, and no other.
func TestFaultPointsAreReached(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, b := range fault.Boundaries() {
		p := b.Points()
		listed = append(listed, p[0], p[1])
	}
	slices.Sort(listed)
	reached := map[string]bool{}
	for point := range wayOf(t, testenv.MariaDB(t), ways()) {
		reached[strings.TrimPrefix(point, guardianPrefix)] = true
	}
	if d := cmp.Diff(listed, slices.Sorted(maps.Keys(reached))); d != "" {
		t.Errorf("listed, but not passed (-), or passed, but not listed (+):\n%s", d)
	}
}
