//go:build linux

package main

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// One process at a time works on a job, and on a data directory, whatever jobs and state directories name it. The second one
// is refused, MySQL is not touched, and it is told who has it: process, command, and since when.
func TestTogether(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: megabytes(20)})
	cases := map[string]func(t *testing.T, h *site) (args []string){
		"two runs of one job":   func(_ *testing.T, h *site) []string { return h.args("run", "--file", h.job) },
		"recover while it runs": func(_ *testing.T, h *site) []string { return h.args("recover", "--file", h.job) },
		"two jobs on one server": func(t *testing.T, h *site) []string {
			other := newSite(t, h.server)
			other.name = "other"
			other.writeJob(t, jobText{})
			return other.args("run", "--file", other.job)
		},
	}
	for name, second := range cases {
		t.Run(name, func(t *testing.T) {
			h := newSite(t, s)
			h.writeJob(t, slowly(jobText{}))
			together(t, h, second(t, h))
			h.wantUp(t)
			drydock(t, h.args("run", "--file", h.job)...).want(t, exitDone) // no lock is left
		})
	}
}

// together holds a run up in mid-copy, tries the second command, and then kills the run: its locks go with it.
func together(t *testing.T, h *site, second []string) {
	var r result
	cmd := drydockCommand(t, h.args("run", "--file", h.job, "--json")...)
	tried := false
	watch(t, cmd, func(e agent.Event) {
		if tried || !progress("capture")(e) {
			return
		}
		tried = true
		sendSignal(t, cmd.Process.Pid, syscall.SIGSTOP)
		r = drydock(t, second...)
		for _, row := range h.history(t) { // can be looked at all the same
			if row.RunID != e.Run || row.Status != "running" {
				t.Errorf("runs: %+v", row)
			}
		}
		sendSignal(t, cmd.Process.Pid, syscall.SIGKILL)
	})
	if !tried {
		t.Fatal("the first run did not copy")
	}
	r.want(t, exitFailed).says(t, fmt.Sprintf("process %d (drydock run) since 20", cmd.Process.Pid))
	drydock(t, h.args("recover", "--file", h.job)...).want(t, exitDone)
}
