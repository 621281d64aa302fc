package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/job"
)

// keeper sees to the business of one job.
type keeper struct {
	*daemon
	file     string
	failures int // in a row
}

func (k *keeper) run(ctx context.Context) {
	for {
		pause := k.Every
		if err := k.attend(ctx); err != nil && ctx.Err() == nil {
			k.failures++
			pause = k.pause()
			k.Log.Error("unfinished business", "state", k.file, "again_in", pause, "error", err)
		} else {
			k.failures = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// pause grows with every failure.
func (k *keeper) pause() time.Duration {
	p := k.Every
	for i := 0; i < k.failures && p < longestPause; i++ {
		p *= 2
	}
	return min(p, max(longestPause, k.Every))
}

// attend does what is to be done: MySQL first.
func (k *keeper) attend(ctx context.Context) error {
	b, err := k.Agent.Unfinished(ctx, k.file)
	if err != nil || b.Busy {
		return err
	}
	if b.Recover {
		if err := k.recover(ctx, b); err != nil {
			return err
		}
		if b, err = k.Agent.Unfinished(ctx, k.file); err != nil {
			return err
		}
	}
	return k.ship(ctx, b)
}

// job finds the job in the book. One that is not there may have come, or may have been mended, since the files were read.
func (k *keeper) job(b agent.Business) (job.Job, bool) {
	j, ok := k.book.job(b.Job)
	if !ok {
		k.missed.Store(true)
	}
	return j, ok
}

// recover brings MySQL up. A job whose file is broken, or gone, has its server all the same.
func (k *keeper) recover(ctx context.Context, b agent.Business) error {
	j, ok := k.job(b)
	var found []agent.Recovered
	var err error
	switch {
	case ok:
		found, err = k.Agent.Recover(ctx, j)
	case b.Down:
		found, err = k.Agent.RecoverRecorded(ctx, b.Job)
	default:
		return nil // what is left needs the job; it was said when its file was read
	}
	for _, r := range found {
		k.Log.Warn("recovered a run that had died", "job", r.Job, "run", r.RunID, "done", r.What())
	}
	return err
}

// ship tries what waits, the oldest first. One that cannot go out yet does not hold up the others: they may lack another
// target. Each says in its record when it is tried again.
func (k *keeper) ship(ctx context.Context, b agent.Business) error {
	if len(b.Ship) == 0 {
		return nil
	}
	j, ok := k.job(b)
	if !ok {
		return nil
	}
	select {
	case k.ships <- struct{}{}:
		defer func() { <-k.ships }()
	case <-ctx.Done():
		return nil
	}
	for _, id := range b.Ship {
		if ctx.Err() != nil {
			return nil
		}
		out, err := k.Agent.Resume(ctx, j, id, nil)
		switch {
		case err == nil:
			k.Log.Info("shipped what waited", "job", b.Job, "run", id, "bytes", out.ArtifactBytes)
		case out.Status == "": // it could not even be tried
			return err
		case ctx.Err() == nil || !errors.Is(err, context.Canceled):
			k.Log.Warn("a target still lacks the artifact", "job", b.Job, "run", id, "status", out.Status, "error", err)
		}
	}
	return nil
}
