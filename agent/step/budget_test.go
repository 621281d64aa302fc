package step_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/step"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// A copy that is not complete when the budget is used up is given up, with what was reached. One that was complete counts.
func TestBudgetOfTheCopy(t *testing.T) {
	waits := func(ctx context.Context, _ io.Writer) error {
		<-ctx.Done()
		return ctx.Err() // as somebody who does not know the cause would say it
	}
	c := captureOf(t, &watchman{}, waits)
	b := c.Backup
	b.Job.MySQL.MaxDowntime, b.Downtime.Began = 50*time.Millisecond, time.Now()
	b.Archived.Store(30)
	b.Survey.Inventory.Bytes = 120
	err := c.Do(t.Context())
	var over *step.BudgetError
	if !errors.As(err, &over) || b.Artifact.Whole {
		t.Fatalf("whole: %t, %v", b.Artifact.Whole, err)
	}
	if d := cmp.Diff(&step.BudgetError{Budget: 50 * time.Millisecond, Done: 30, Total: 120}, over); d != "" {
		t.Error(d)
	}
	if text := err.Error(); !strings.Contains(text, "max_downtime of 50ms") || !strings.Contains(text, "30 of 120 bytes") ||
		errors.Is(err, context.DeadlineExceeded) || over.Hint() == "" {
		t.Errorf("error: %s", text)
	}

	c = captureOf(t, &watchman{}, func(_ context.Context, out io.Writer) error {
		_, err := out.Write([]byte("artifact"))
		return err
	})
	c.Backup.Job.MySQL.MaxDowntime, c.Backup.Downtime.Began = time.Hour, time.Now()
	if err := c.Do(t.Context()); err != nil || !c.Backup.Artifact.Whole {
		t.Errorf("within the budget: %v", err)
	}
}

// refusing is a target that takes nothing until it is mended.
type refusing struct {
	storage.Storage
	mended chan struct{}
}

func (r refusing) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	select {
	case <-r.mended:
		return r.Storage.PutChunk(ctx, token, c)
	default:
		return errs.New(errs.Transient, "the disk is on fire")
	}
}

// MySQL does not wait for the shipment past the budget, nor for targets that are away. What is left is shipped by the
// second step, which has nothing to do otherwise.
func TestShipGivesMySQLBack(t *testing.T) {
	tests := map[string]struct {
		budget, grace time.Duration
		waits         bool
		down          bool // MySQL was down before the run
		says          string
	}{
		"budget":                 {50 * time.Millisecond, time.Hour, true, false, "max_downtime of 50ms"},
		"the target is away":     {0, time.Millisecond, true, false, `nothing gets through to target "nas"`},
		"nobody waits":           {50 * time.Millisecond, time.Millisecond, false, false, ""},
		"MySQL was down before":  {50 * time.Millisecond, time.Millisecond, true, true, ""},
		"everything has arrived": {time.Hour, time.Millisecond, true, false, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, to := backup(), refusing{newStore(t), make(chan struct{})}
			b.Shipment = shipment(t, to)
			b.Job.MySQL.MaxDowntime = tt.budget
			if !tt.down {
				b.Downtime.Began = time.Now()
			}
			if tt.says == "" {
				close(to.mended)
			}
			said := ""
			s := &step.Ship{Backup: b, MySQLWaits: tt.waits, Grace: tt.grace, Warn: func(text string) { said = text }}
			if err := s.Do(t.Context()); err != nil {
				t.Fatal(err)
			}
			rest := &step.Ship{Backup: b, Rest: true}
			if !strings.Contains(said, tt.says) || (said == "") != (tt.says == "") || rest.NothingToDo() != (tt.says == "") {
				t.Errorf("said %q, rest skipped: %t", said, rest.NothingToDo())
			}
			if tt.says == "" {
				return
			}
			close(to.mended)
			if err := rest.Do(t.Context()); err != nil || len(b.Shipped) != 1 || b.Shipped[0].Err != nil {
				t.Errorf("the rest: %+v, %v", b.Shipped, err)
			}
		})
	}
}

// shipment is one chunk on its way to one target.
func shipment(t *testing.T, to storage.Storage) *ship.Shipment {
	t.Helper()
	s, err := ship.Start(t.Context(), []ship.Target{{Label: "nas", Storage: to}}, ship.Options{Key: key, ChunkSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	dir, err := spool.Create(t.TempDir() + "/spool")
	if err != nil {
		t.Fatal(err)
	}
	w := dir.Writer(t.Context(), 1<<20, s.Offer)
	if _, err := w.Write([]byte("artifact")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	s.Finish()
	return s
}

// The plan warns when the budget is likely to be used up, and only then.
func TestBudgetWarning(t *testing.T) {
	for name, tt := range map[string]struct {
		budget time.Duration
		warns  bool
	}{"none": {0, false}, "ample": {24 * time.Hour, false}, "tight": {time.Second, true}} {
		t.Run(name, func(t *testing.T) {
			l := newLook(t)
			l.Backup.Job.MySQL.MaxDowntime = tt.budget
			if err := l.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(strings.Join(l.Backup.Survey.Warnings, "\n"), "longer than max_downtime of 1s"); got != tt.warns {
				t.Errorf("warnings: %q", l.Backup.Survey.Warnings)
			}
		})
	}
}
