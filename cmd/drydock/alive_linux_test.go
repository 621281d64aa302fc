package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// allowed is the job's start timeout and ten seconds.
const allowed = 70 * time.Second

// wantAlive proves that a site works, whatever it has been through.
func (h *site) wantAlive(t *testing.T) {
	t.Helper()
	drydock(t, h.args("runs", "--file", h.job, "--json")...).want(t, exitDone) // the state file opens
	snapshot := h.snapshot(t)
	e, _ := h.run(t, exitDone)
	h.wantUp(t)
	h.proven(t, e.BackupID, snapshot)
	h.wantNoFalseBackup(t, e.BackupID)
}

// wantNoFalseBackup verifies every backup that is listed; the one given was verified before.
func (h *site) wantNoFalseBackup(t *testing.T, known string) {
	t.Helper()
	found := false
	for _, b := range h.backups(t) {
		if found = found || b.ID == known; b.ID != known {
			drydock(t, h.args("verify", b.ID, "--deep", "--file", h.job)...).want(t, exitDone)
		}
	}
	if !found {
		t.Errorf("backup %s is not listed", known)
	}
}

// rows reads the history.
func (h *site) rows(t *testing.T) []agent.RunRow {
	t.Helper()
	var rows []agent.RunRow
	r := drydock(t, h.args("runs", "--file", h.job, "--json")...).want(t, exitDone)
	if err := json.Unmarshal([]byte(r.stdout), &rows); err != nil {
		t.Fatalf("runs --json: %v\n%s", err, r.stdout)
	}
	return rows
}

// guardianEnds waits until the guardian of a run that died has done its work.
func (h *site) guardianEnds(t *testing.T) {
	t.Helper()
	testenv.Eventually(t, allowed, "the guardian ends", func() bool { return len(h.guardians(t)) == 0 })
}
