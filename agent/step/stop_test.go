package step_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/step"
)

// clock counts seconds from its first reading.
func clock() step.Clock {
	now := time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

// surveyed is a backup after its preflight.
func surveyed(h *host) *step.Backup {
	b := backup()
	b.Survey = step.Survey{Running: h.pid != 0, PID: h.pid, Facts: h.facts, Settings: h.settings}
	return b
}

func stopOf(h *host) *step.Stop {
	return &step.Stop{Backup: surveyed(h), Instance: h, Server: h, Journal: h, Guardian: h, Now: clock()}
}

// The intent is on disk before the server is asked to stop (R3.7).
func TestStopWritesTheIntentFirst(t *testing.T) {
	h := running()
	s := stopOf(h)
	if err := s.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.wantCalls(t, "intent", "arm", "stop")
	if w := h.written; !w.WasRunning || w.PID != 4711 || w.At.IsZero() || w.MySQL.DataDir != dataDir {
		t.Errorf("intent: %+v", w)
	}
	if d := cmp.Diff(h.settings, h.written.Settings); d != "" {
		t.Error(d)
	}
	if s.Backup.Downtime.Began.IsZero() {
		t.Error("the downtime has not begun")
	}

	h = running()
	h.intent = errBroken
	s = stopOf(h)
	if err := s.Do(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("without an intent: %v", err)
	}
	h.wantCalls(t, "intent")
	if err := s.Undo(t.Context()); err != nil {
		t.Error(err)
	}
	h.wantCalls(t, "intent") // nothing was stopped, so nothing is started

	h = running()
	h.arm = errBroken
	s = stopOf(h)
	if err := errors.Join(s.Do(t.Context()), s.Undo(t.Context())); !errors.Is(err, errBroken) {
		t.Errorf("without a guardian: %v", err)
	}
	h.wantCalls(t, "intent", "arm", "disarm")
}

// A server that was down stays down; one that somebody started since preflight is left alone.
func TestStopOfAStoppedServer(t *testing.T) {
	h := running()
	h.pid = 0
	s := stopOf(h)
	if err := errors.Join(s.Do(t.Context()), s.Undo(t.Context())); err != nil {
		t.Fatal(err)
	}
	h.wantCalls(t, "intent")
	if h.written.WasRunning {
		t.Error("the intent says that it was running")
	}
	h = running()
	h.pid = 0
	s = stopOf(h)
	h.pid = 99
	if err := s.Do(t.Context()); err == nil {
		t.Error("no error for a server that came up after preflight")
	}
	h.wantCalls(t, "intent")
}

// Undo starts the server whether the stop worked or not, puts its settings back, disarms, and does it once.
func TestUndoOfStop(t *testing.T) {
	for name, stop := range map[string]error{"stopped": nil, "stop failed": errBroken} {
		t.Run(name, func(t *testing.T) {
			h := running()
			h.stop = stop
			s := stopOf(h)
			if err := s.Do(t.Context()); !errors.Is(err, stop) {
				t.Fatal(err)
			}
			for range 2 {
				if err := s.Undo(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			h.wantCalls(t, "intent", "arm", "stop", "start", "answers", "apply", "disarm", "stand down")
			if d := cmp.Diff(h.settings, h.applied); d != "" {
				t.Error(d)
			}
			if s.Backup.Downtime.Measured(time.Time{}) != time.Second {
				t.Errorf("downtime: %+v", s.Backup.Downtime)
			}
		})
	}
	h := running()
	h.start = errBroken
	s := stopOf(h)
	if err := s.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Undo(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("undo: %v", err)
	}
	h.wantCalls(t, "intent", "arm", "stop", "start") // not disarmed: recover tries again
}

// The intent stays armed until the server is as it was.
func TestConfirm(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*host)
		calls  []string
	}{
		"does not answer":        {func(h *host) { h.answers = errBroken }, []string{"answers"}},
		"settings cannot be set": {func(h *host) { h.apply = errBroken }, []string{"answers", "apply"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := running()
			tt.change(h)
			b := surveyed(h)
			b.Downtime.Began = clock()()
			c := &step.Confirm{Backup: b, Instance: h, Server: h, Journal: h, Guardian: h}
			if err := c.Do(t.Context()); !errors.Is(err, errBroken) {
				t.Errorf("error: %v", err)
			}
			h.wantCalls(t, tt.calls...)
		})
	}
}

// Undo leaves alone what has been confirmed, starts a server that died after its restart, and puts settings back that
// nobody has tried to put back.
func TestUndoAfterTheRestart(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*host, *step.Backup)
		calls  []string
	}{
		"cancelled before confirm": {func(*host, *step.Backup) {}, []string{"answers", "answers", "apply", "disarm", "stand down"}},
		"died again": {
			func(h *host, _ *step.Backup) { h.answers = errBroken },
			[]string{"answers", "start", "answers"},
		},
		"could not be put back": {func(_ *host, b *step.Backup) { b.PutBack = true }, []string{"answers"}},
		"lets nobody in":        {func(h *host, _ *step.Backup) { h.answers = mysql.ErrLoginRefused }, []string{"answers"}},
		"confirmed":             {func(_ *host, b *step.Backup) { b.PutBack, b.Downtime.Confirmed = true, true }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := running()
			s := stopOf(h)
			s.Backup.Downtime.Began, s.Backup.Downtime.Ended = s.Now(), s.Now()
			tt.change(h, s.Backup)
			if err := s.Undo(t.Context()); (err != nil) != (name == "died again") {
				t.Errorf("undo: %v", err)
			}
			h.wantCalls(t, tt.calls...)
		})
	}
}

// A signal during the restart does not cut it short, nor what follows; a server that lets nobody in is up all the same.
func TestRestartIsNotCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := running()
	b := surveyed(h)
	b.Downtime.Began = clock()()
	restart := step.Restart{Backup: b, Instance: h, Now: clock()}
	confirm := step.Confirm{Backup: b, Instance: h, Server: h, Journal: h, Guardian: h}
	if err := errors.Join(restart.Do(ctx), confirm.Do(ctx)); err != nil {
		t.Error(err)
	}
	if h.cancelled || b.Downtime.Ended.IsZero() || !b.Downtime.Confirmed {
		t.Errorf("cancelled %v, %+v", h.cancelled, b)
	}
	h.start, b.Downtime.Ended = mysql.ErrLoginRefused, time.Time{}
	if err := restart.Do(ctx); !errors.Is(err, mysql.ErrLoginRefused) || b.Downtime.Ended.IsZero() {
		t.Errorf("a refused login: %v, %+v", err, b.Downtime)
	}
}
