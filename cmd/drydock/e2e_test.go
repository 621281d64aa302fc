//go:build linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// The main job on real servers: R1.1 (no receiver anywhere), R2.1, R2.2, R3.1, R3.2, R3.3, R3.4, R3.5,
// R3.6, R4.1, R4.3, R10.1, R10.2, R10.3, S8.
func TestMainJob(t *testing.T) {
	t.Parallel()
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		s := start()
		big := int64(megabytes(310)) * 1e6
		s.Fill(t, testenv.FillOptions{BigMB: int(big / 1e6)})
		h := newSite(t, s)
		before := s.Checksums(t)

		drydock(t, h.args("validate", h.job)...).want(t, 0)
		plan := h.plan(t)
		if !plan.OK || !plan.Running || plan.DataBytes < big || plan.PredictedSeconds <= 0 || plan.Targets[0].Free <= 0 {
			t.Fatalf("plan: %+v", plan)
		}
		e, r := h.run(t, 0)
		wantStory(t, r, "preflight", "stop", "capture", "ship", "restart", "confirm", "commit", "clean")
		if e.Status != agent.StatusDone || e.BackupID == "" || e.DowntimeSeconds <= 0 || e.DataBytes < big || e.ArtifactBytes < 1e5 {
			t.Fatalf("finished: %+v %+v", e, e.Outcome)
		}
		h.wantUp(t)
		if left := h.spooled(t); len(left) != 0 {
			t.Errorf("left in the spool: %v", left) // R3.6
		}
		list := h.backups(t)
		if len(list) != 1 || list[0].ID != e.BackupID || !list[0].Verified || list[0].Bytes != e.ArtifactBytes {
			t.Fatalf("backups: %+v", list)
		}
		wantZip(t, "7zz", "t", filepath.Join(h.target, filepath.FromSlash(list[0].Key)))
		h.wantRestored(t, e.BackupID, before)
	})
}

// plan reads plan --json.
func (h *site) plan(t *testing.T) agent.Plan {
	t.Helper()
	var p agent.Plan
	r := drydock(t, h.args("plan", "--file", h.job, "--json")...).want(t, 0)
	if err := json.Unmarshal([]byte(r.stdout), &p); err != nil {
		t.Fatalf("plan --json: %v\n%s", err, r.stdout)
	}
	return p
}

// wantStory checks that the steps were done in this order, and that progress was told (R4.4).
func wantStory(t *testing.T, r result, steps ...string) {
	t.Helper()
	var done []string
	progress := map[string]bool{}
	for line := range strings.Lines(r.stdout) {
		var e agent.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("event %q: %v", line, err)
		}
		if e.Event == agent.EventStep && e.Phase == "done" {
			done = append(done, e.Step)
		}
		if e.Event == agent.EventProgress && e.Bytes > 0 {
			progress[e.Step] = true
		}
	}
	if d := cmp.Diff(steps, done); d != "" {
		t.Errorf("steps: %s", d)
	}
	if !progress["capture"] {
		t.Error("no progress of capture was told")
	}
}

// wantRestored verifies and restores a backup, starts a second server on it, and compares every table. More arguments, such
// as the target to read from, go to each command.
func (h *site) wantRestored(t *testing.T, backup string, before map[string]uint64, more ...string) {
	t.Helper()
	command := func(args ...string) { drydock(t, h.args(append(args, more...)...)...).want(t, 0) }
	// The job's file is known from the run: no --file.
	command("verify", backup)
	command("verify", "latest", "--deep")
	to := filepath.Join(h.dir, "restored-"+backup)
	command("restore", backup, "--to", to)
	second := h.server.OnDataDir(t, to)
	second.Start(t)
	if d := cmp.Diff(before, second.Checksums(t)); d != "" || len(before) == 0 {
		t.Errorf("tables of the restored server: %s", d)
	}
	second.Stop(t)
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
}

// wantZip has a standard tool test an artifact.
func wantZip(t *testing.T, tool string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", tool, strings.Join(args, " "), err, out)
	}
}

// A small server for everything that does not need much data; each flavour of the rest runs on MySQL.
func TestVariants(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: megabytes(20)})
	before := s.Checksums(t)

	t.Run("deflate is opened by unzip", func(t *testing.T) {
		h := newSite(t, s)
		h.writeJob(t, jobText{Compress: `compress "deflate" {}`})
		e, _ := h.run(t, 0)
		zip := filepath.Join(h.target, filepath.FromSlash(e.Key))
		wantZip(t, "unzip", "-tq", zip)
		wantZip(t, "7zz", "t", zip)
		h.wantRestored(t, e.BackupID, before)
	})
	t.Run("store", func(t *testing.T) {
		h := newSite(t, s)
		h.writeJob(t, jobText{Compress: `compress "store" {}`})
		e, _ := h.run(t, 0)
		wantZip(t, "unzip", "-tq", filepath.Join(h.target, filepath.FromSlash(e.Key)))
		h.wantRestored(t, e.BackupID, before)
	})
	t.Run("restart after capture", func(t *testing.T) {
		h := newSite(t, s)
		h.writeJob(t, jobText{Restart: "after-capture"})
		e, r := h.run(t, 0)
		wantStory(t, r, "preflight", "stop", "capture", "restart", "confirm", "ship", "commit", "clean")
		h.wantRestored(t, e.BackupID, before)
	})
	t.Run("one of two targets is away", func(t *testing.T) { oneTargetAway(t, newSite(t, s), before) })
	t.Run("settings survive", func(t *testing.T) { settingsSurvive(t, newSite(t, s)) })
	t.Run("a stopped server stays stopped", func(t *testing.T) { stoppedStaysStopped(t, newSite(t, s), before) })
}

// What a restart would lose is put back.
func settingsSurvive(t *testing.T, h *site) {
	h.server.Exec(t, "SET GLOBAL super_read_only = ON", "SET GLOBAL event_scheduler = OFF")
	defer h.server.Exec(t, "SET GLOBAL read_only = OFF", "SET GLOBAL event_scheduler = ON")
	pid := h.server.PID()
	h.run(t, 0)
	if h.server.PID() == pid {
		t.Fatal("the server was not restarted")
	}
	got := h.server.Value(t, "SELECT CONCAT(@@read_only, @@super_read_only, @@event_scheduler)")
	if got != "11OFF" {
		t.Errorf("read_only, super_read_only, event_scheduler = %s after the run", got)
	}
}

// R3.7: MySQL is started again if and only if it was running before.
func stoppedStaysStopped(t *testing.T, h *site, before map[string]uint64) {
	h.server.Stop(t)
	e, _ := h.run(t, 0)
	if h.server.Running() {
		t.Fatal("the run started a server that was down")
	}
	if e.DowntimeSeconds != 0 {
		t.Errorf("downtime %v", e.DowntimeSeconds)
	}
	h.server.Start(t)
	h.wantRestored(t, e.BackupID, before)
}
