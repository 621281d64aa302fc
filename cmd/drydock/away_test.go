//go:build linux

package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// MySQL does not wait for a target that is away, however it is away, once the artifact is whole (R3.7, R8.6, R9.3): it is up
// again while the run goes on trying the target.
func TestTargetAway(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: 4})
	before := s.Checksums(t)
	for name, run := range map[string]func(t *testing.T, h *site, before map[string]uint64){
		"a provider that hangs":            hungProvider,
		"the network is gone, and is back": goneAndBack,
		"the only target was never there":  neverThere,
	} {
		t.Run(name, func(t *testing.T) { run(t, newSite(t, s), before) })
	}
}

// shippedLast fails the test unless MySQL was up again before the transfer ended, for the reason given.
func shippedLast(t *testing.T, r result, why string) {
	t.Helper()
	wantStory(t, r, "preflight", "stop", "capture", "ship", "restart", "confirm", "deliver", "commit", "clean")
	if !strings.Contains(r.stdout, why+": MySQL is started first") {
		t.Errorf("no event tells that %s:\n%s", why, r.stdout)
	}
}

// hungProvider: nobody says no, and nobody says anything.
func hungProvider(t *testing.T, h *site, before map[string]uint64) {
	cmd := drydockCommand(t, h.args("run", "--file", h.job, "--json")...)
	hung := 0
	r := watch(t, cmd, func(e agent.Event) {
		switch {
		case hung == 0 && step("capture", "begun")(e):
			all := children(t, cmd.Process.Pid)
			hung = all[slices.IndexFunc(all, func(c child) bool { return strings.Contains(c.args, "serve storage file") })].pid
			sendSignal(t, hung, syscall.SIGSTOP)
		case step("confirm", "done")(e):
			h.wantUp(t)
			sendSignal(t, hung, syscall.SIGCONT)
		}
	}).want(t, exitDone)
	shippedLast(t, r, `nothing gets through to target \"nas\" for now`)
	h.wantRestored(t, lastEvent(t, r).BackupID, before)
}

// goneAndBack: one of two targets comes back while it is still tried.
func goneAndBack(t *testing.T, h *site, before map[string]uint64) {
	offsite := s3Cloud(t, "offsite", testenv.VersityGW)
	network := testenv.Toxiproxy(t, offsite.addr)
	nas := fmt.Sprintf("target \"file\" \"nas\" {\n    path = %q\n  }\n  ", h.target)
	h.writeJob(t, jobText{Target: nas + offsite.target(network.Addr())})
	r := watch(t, drydockCommand(t, h.args("run", "--file", h.job, "--json")...), func(e agent.Event) {
		switch {
		case step("stop", "begun")(e):
			network.Down()
		case step("confirm", "done")(e):
			h.wantUp(t)
			network.Up(t)
		}
	}).want(t, exitDone)
	shippedLast(t, r, `nothing gets through to target \"offsite\" for now`)
	h.wantRestored(t, lastEvent(t, r).BackupID, before, "--target", "offsite")
}

// neverThere: the run goes ahead, since the spool can hold the artifact, and gives the target up when its patience is over.
func neverThere(t *testing.T, h *site, before map[string]uint64) {
	nas := s3Cloud(t, "nas", testenv.VersityGW)
	network := testenv.Toxiproxy(t, nas.addr)
	h.writeJob(t, jobText{Target: nas.target(network.Addr())})
	network.Down()
	e, r := h.run(t, exitPartial, "--config", h.config(t, `patience = "1s"`))
	h.wantUp(t)
	r.says(t, "drydock resume "+e.Run, "connection refused")
	if e.Status != agent.StatusWaiting || e.BackupID != "" || e.DowntimeSeconds == 0 {
		t.Errorf("finished: %+v", e.Outcome)
	}
	h.wantWaitingFor(t, "nas")
	network.Up(t)
	drydock(t, h.args("resume", "--file", h.job)...).want(t, exitDone)
	h.wantRestored(t, e.Run, before)
}

// slowTarget is a target "nas" that is there, and takes no chunk to its end before pass is called.
func slowTarget(t *testing.T) (block string, pass func()) {
	t.Helper()
	c := s3Cloud(t, "nas", testenv.VersityGW)
	front, mayPass := testenv.NewFront(t, c.addr), make(chan struct{})
	pass = sync.OnceFunc(func() { close(mayPass) })
	t.Cleanup(pass)
	front.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		if c.part(r) != "" {
			<-mayPass
		}
		return false
	}
	return c.target(front.Addr), pass
}

// A target that takes its time is waited for, but not past the budget: then the whole artifact ships while MySQL is up again.
func TestMaxDowntimeInShip(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: 4})
	h := newSite(t, s)
	target, pass := slowTarget(t)
	h.writeJob(t, jobText{MaxDowntime: "45s", Target: target})
	before := s.Checksums(t)
	r := watch(t, drydockCommand(t, h.args("run", "--file", h.job, "--json")...), func(e agent.Event) {
		if step("confirm", "done")(e) {
			h.wantUp(t)
			pass()
		}
	}).want(t, exitDone)
	shippedLast(t, r, "max_downtime of 45s is used up")
	e := lastEvent(t, r)
	if e.BudgetSeconds != 45 || e.DowntimeSeconds < 45 {
		t.Errorf("finished: %+v", e.Outcome)
	}
	h.wantRestored(t, e.BackupID, before)
}

// R9.4, R9.6: that MySQL does not start again is told at once, not when its backup has been shipped.
func TestDownIsToldFirst(t *testing.T) {
	t.Parallel()
	h := newSite(t, testenv.MySQL(t))
	hook, events := newHook(t)
	j := startFails(t, h)
	var pass func()
	j.Target, pass = slowTarget(t)
	j.Restart, j.Extra = "after-capture", hookBlock("dba", hook, `"mysql-down"`)
	h.writeJob(t, j)
	told := make(chan notify.Event, 1)
	go func() { // ends with the test
		select {
		case e := <-events:
			told <- e
			pass()
		case <-t.Context().Done():
		}
	}()
	e, _ := h.run(t, exitDown)
	wantTold(t, told, []string{"mysql-down"})
	wantTold(t, events, nil) // once is enough
	if e.Status != agent.StatusDown || e.BackupID == "" {
		t.Errorf("finished: %+v", e.Outcome)
	}
	j.Start = ""
	h.writeJob(t, j)
	h.recover(t)
	h.wantUp(t)
}
