package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/state"
)

// Business is what is left to be done for a job.
type Business struct {
	Job     string
	Busy    bool     // a process works on the job; it sees to its own business
	Recover bool     // a run has died, or has left MySQL down
	Down    bool     // MySQL may be down because of it, and nobody has started it since
	Ship    []string // runs that wait and may be tried now, the oldest first
	Waiting int      // runs that wait, whether they may be tried now or not
}

// peek is how long Unfinished waits for a process that has the job.
const peek = 100 * time.Millisecond

// Unfinished looks at one of StateFiles. It changes nothing, and does not wait for a run that goes on.
func (a *Agent) Unfinished(ctx context.Context, file string) (b Business, err error) {
	ctx, cancel := context.WithTimeout(ctx, peek)
	defer cancel()
	store, err := state.OpenReadOnly(ctx, file)
	if errors.Is(err, state.ErrLocked) {
		return Business{Busy: true}, nil
	}
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	runs, err := store.Last(state.KeepRuns)
	if err != nil {
		return b, err
	}
	for _, r := range slices.Backward(runs) {
		b.add(r)
	}
	if !slices.ContainsFunc(runs, func(r state.Run) bool { return r.Due(a.now()) }) {
		b.Ship = nil
	}
	return b, nil
}

// add takes up what one run has left. Whenever one of those that wait is due, all are tried, so that the oldest goes
// first.
func (b *Business) add(r state.Run) {
	b.Job = r.Job
	b.Recover = b.Recover || r.Status == state.Running || r.Intent.Pending()
	b.Down = b.Down || r.Intent.Pending() && !r.Intent.Started()
	if r.Status == state.Waiting {
		b.Waiting++
		if r.Queue == nil || !r.Queue.Held {
			b.Ship = append(b.Ship, r.ID)
		}
	}
}

// StateFiles lists the state files of the jobs that have run here.
func (a *Agent) StateFiles() ([]string, error) { return state.Files(a.o.DataDir) }

// ErrNotWaiting is in the chain when a run that is to be given up does not wait.
var ErrNotWaiting = errors.New("only a run whose artifact waits in the spool can be given up")

// GiveUp drops the artifact of a run that waits, here and at the targets that lack it. What other targets hold stays.
func (a *Agent) GiveUp(ctx context.Context, j job.Job, id string) error {
	r := &running{Agent: a, story: &story{run: id, clock: a.now}}
	r.b = newBackup(id, j)
	err := r.giveUp(ctx)
	return errors.Join(err, r.close())
}

func (r *running) giveUp(ctx context.Context) (err error) {
	if r.store, err = r.openState(ctx, r.b.Job); err != nil {
		return err
	}
	old, err := r.store.Run(r.b.ID)
	if err != nil {
		return err
	}
	if old.Status != state.Waiting {
		return fmt.Errorf("run %s is %s: %w", old.ID, old.Status, ErrNotWaiting)
	}
	if err := r.lacking(ctx); err != nil {
		r.o.Log.Warn("open the targets of a run that is given up", "run", old.ID, "error", err)
	}
	if err := r.dropRun(ctx, old); err != nil {
		r.o.Log.Warn("drop what a run that is given up has left", "run", old.ID, "error", err)
	}
	return r.store.UpdateRun(old.ID, func(s *state.Run) error {
		s.Status, s.Finished, s.Queue = state.Cancelled, r.now().UTC(), nil
		return nil
	})
}
