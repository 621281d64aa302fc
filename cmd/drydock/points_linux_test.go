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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// A way leads past fault points: it prepares a site and returns the command line that passes them.
type way struct {
	name    string
	orders  string // that come with the order under test
	prepare func(t *testing.T, h *site) []string
}

// ways returns all ways; a point belongs to the first one that leads past it.
func ways() []way {
	run := func(t *testing.T, h *site) []string {
		h.writeFaultJob(t, jobText{})
		return h.args("run", "--file", h.job, "--json")
	}
	return []way{
		{"run", "", run},
		{"run that fails", "archive.write.after=error", run},
		{"run with a stop command", "", func(t *testing.T, h *site) []string {
			h.writeFaultJob(t, jobText{Stop: fmt.Sprintf(`["/bin/sh", "-c", "kill $(cat %s)"]`, h.server.PIDFile)})
			return h.args("run", "--file", h.job, "--json")
		}},
		{"recover", "", func(t *testing.T, h *site) []string {
			run(t, h)
			h.faulty(t, "step.capture.done.before=kill-all", run(t, h)...).want(t, killed)
			return h.args("recover", "--file", h.job)
		}},
		{"resume", "", func(t *testing.T, h *site) []string {
			h.faulty(t, "step.commit.begun.after=kill", run(t, h)...).want(t, killed)
			drydock(t, h.args("recover", "--file", h.job)...).want(t, exitDone)
			return h.args("resume", "--file", h.job, "--json")
		}},
	}
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
func (h *site) faulty(t *testing.T, orders string, args ...string) result {
	t.Helper()
	return finish(t, h.faultyCommand(t, orders, args...))
}

// patience is longer than any command takes: a hang of 30 seconds, timeouts of the job, and a slow machine.
const patience = 8 * time.Minute

func (h *site) faultyCommand(t *testing.T, orders string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	base := drydockCommand(t, args...)
	cmd := exec.CommandContext(ctx, base.Path, args...)
	cmd.Env = append(base.Env, "DRYDOCK_FAULT="+orders, "DRYDOCK_FAULT_TRACE="+h.trace())
	return cmd
}

func (h *site) trace() string { return filepath.Join(h.dir, "trace") }

// passed returns the points that were passed since the last call.
func (h *site) passed(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(h.trace())
	if err == nil {
		err = os.Remove(h.trace())
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(data))
}

// wayOf walks every way without an order, and returns for each point the way that leads past it.
func wayOf(t *testing.T, s *testenv.Server) map[string]way {
	t.Helper()
	found := map[string]way{}
	for _, w := range ways() {
		h := newSite(t, s)
		args := w.prepare(t, h)
		_ = os.Remove(h.trace())
		h.faulty(t, w.orders, args...)
		for _, point := range h.passed(t) {
			if _, known := found[point]; !known {
				found[point] = w
			}
		}
		h.wantUp(t)
	}
	return found
}

// Every point of the list is passed by some command, and no other.
func TestFaultPointsAreReached(t *testing.T) {
	s := testenv.MariaDB(t)
	var listed []string
	for _, b := range fault.Boundaries() {
		p := b.Points()
		listed = append(listed, p[0], p[1])
	}
	slices.Sort(listed)
	if d := cmp.Diff(listed, slices.Sorted(maps.Keys(wayOf(t, s)))); d != "" {
		t.Errorf("listed, but not passed (-), or passed, but not listed (+):\n%s", d)
	}
}
