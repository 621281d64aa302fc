package agent_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/agent/step"
)

// past records a run of 1000 bytes of data; its steps begin and are done when the test says so.
func past(t *testing.T, s *state.Store, id string, day int, change func(*state.Run)) {
	t.Helper()
	started := time.Date(2026, 3, day, 2, 30, 0, 0, time.UTC)
	err := s.CreateRun(state.Run{ID: id, Job: "orders", Status: state.Running, Started: started})
	if err == nil {
		err = s.SetWhole(id, state.Artifact{Key: "k", ChunkSize: 1, Size: 1, DataBytes: 1000, Whole: true}, nil)
	}
	if err == nil {
		err = s.UpdateRun(id, func(r *state.Run) error {
			r.Status, r.UpAgain = state.Done, started.Add(time.Minute)
			change(r)
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The prediction learns from the last run that went all the way to a server that was up again.
func TestHistory(t *testing.T) {
	store, err := state.Open(t.Context(), filepath.Join(t.TempDir(), "orders.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	wantHistory(t, store, job.RestartAfterShip, step.History{})

	past(t, store, "whole", 1, func(*state.Run) {})
	past(t, store, "never-up", 2, func(r *state.Run) { r.UpAgain = time.Time{} })
	past(t, store, "not-whole", 3, func(r *state.Run) { r.Status, r.Artifact.Whole = state.Failed, false })
	past(t, store, "no-artifact", 4, func(r *state.Run) { r.Status, r.Artifact = state.Failed, nil })
	journal := store.Journal("whole")
	for _, name := range []string{"stop", "capture", "ship", "restart"} {
		if err := journal.StepBegun(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		if err := journal.StepDone(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	slow := wantRate(t, store, job.RestartAfterShip)
	if fast := wantRate(t, store, job.RestartAfterCapture); fast <= slow {
		t.Errorf("%v bytes/s where MySQL does not wait for the shipping, %v where it does", fast, slow)
	}
}

func wantHistory(t *testing.T, s *state.Store, restart job.Restart, want step.History) {
	t.Helper()
	got, err := agent.History(s, restart)
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Error(err, d)
	}
}

// wantRate returns the bytes per second; a step took a fiftieth of a second or somewhat more.
func wantRate(t *testing.T, s *state.Store, restart job.Restart) float64 {
	t.Helper()
	h, err := agent.History(s, restart)
	if err != nil || h.StopSeconds < 0.02 || h.StartSeconds < 0.02 || h.BytesPerSecond <= 0 || h.BytesPerSecond > 50_000 {
		t.Errorf("history: %+v, %v", h, err)
	}
	return h.BytesPerSecond
}
