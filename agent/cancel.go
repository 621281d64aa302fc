package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/state"
)

const (
	// heedEvery is how often a run looks whether it is asked to give up.
	heedEvery = 200 * time.Millisecond
	// CancelLimit is how long Cancel waits for the end of a run: a server that stops may take all of its stop_timeout, and one
	// that starts all of its start_timeout.
	CancelLimit = time.Hour
)

// Errors of Cancel that callers branch on.
var (
	// ErrNotRunning is in the chain when no process works on the run that is to be cancelled.
	ErrNotRunning = errors.New("no such run is going on")
)

// heed tells others what this process does with the job's lock, and has a request to cancel end the run's context.
func (r *running) heed(cancel context.CancelCauseFunc) error {
	if err := r.store.WorkOn(r.b.ID); err != nil {
		return err
	}
	quit := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		t := time.NewTicker(heedEvery)
		defer t.Stop()
		for {
			select {
			case <-quit:
				return
			case <-t.C:
			}
			if r.store.CancelRequested() {
				cancel(&Interrupt{By: "drydock cancel", Hold: true})
				return
			}
		}
	})
	r.deafen = sync.OnceFunc(func() { close(quit); watch.Wait() })
	return nil
}

// Ended is how a run ended that was asked to give up.
type Ended struct {
	RunID  string `json:"run"`
	Job    string `json:"job"`
	Status string `json:"status"` // as in RunRow
	By     string `json:"by"`     // the process that it was cancelled in
}

// Cancel asks the process that works on a run to give it up, wherever on this host it is, and waits until it has: MySQL
// is up then, unless the error is an *instance.DownError. job may be empty for the only run that is going on, id for
// whichever run of the job is.
func (a *Agent) Cancel(ctx context.Context, job, id string) (Ended, error) {
	ctx, stop := context.WithTimeoutCause(ctx, CancelLimit, fmt.Errorf("it has not ended within %s", CancelLimit))
	defer stop()
	path, h, err := a.holderOf(job, id)
	if err != nil {
		return Ended{}, err
	}
	if err := state.RequestCancel(path, h); err != nil {
		return Ended{}, err
	}
	if err := awaitRelease(ctx, path, h); err != nil {
		return Ended{}, fmt.Errorf("run %s is asked to give up, but %s still works on it: %w", h.Run, h, err)
	}
	return a.ended(ctx, path, h)
}

// holderOf finds the process that is to be asked.
func (a *Agent) holderOf(job, id string) (path string, h state.Holder, err error) {
	paths := []string{state.Path(a.o.DataDir, job)}
	if job == "" {
		if paths, err = state.Files(a.o.DataDir); err != nil {
			return "", h, err
		}
	}
	var others []error
	found := 0
	for _, p := range paths {
		switch now := state.HolderOf(p); {
		case now.PID == 0:
		case now.Run == "" || id != "" && id != now.Run:
			others = append(others, fmt.Errorf("job file %s is in use by %s%s", filepath.Base(p), now, works(now)))
		default:
			found++
			path, h = p, now
		}
	}
	switch {
	case found > 1:
		return "", h, fmt.Errorf("%d runs are going on: name a run or a job", found)
	case found == 0:
		return "", h, errors.Join(append([]error{ErrNotRunning}, others...)...)
	}
	return path, h, nil
}

func works(h state.Holder) string {
	if h.Run == "" {
		return ""
	}
	return ", which works on run " + h.Run
}

// awaitRelease waits until the holder has given the file back, or died.
func awaitRelease(ctx context.Context, path string, h state.Holder) error {
	for {
		if state.HolderOf(path).Token != h.Token {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(heedEvery):
		}
	}
}

// ended reads how the run ended.
func (a *Agent) ended(ctx context.Context, path string, h state.Holder) (e Ended, err error) {
	store, err := state.OpenReadOnly(ctx, path)
	if err != nil {
		return Ended{}, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	e = Ended{RunID: h.Run, Job: JobOf(h.Run), Status: string(state.Cancelled), By: h.String()}
	r, err := store.Run(h.Run)
	if errors.Is(err, state.ErrNotFound) {
		return e, nil // it had not begun
	}
	if err != nil {
		return e, err
	}
	e.Status = string(r.Status)
	if r.Intent.Pending() {
		return e, &instance.DownError{
			Err:     fmt.Errorf("run %s has ended (%s) without bringing it back: %s", r.ID, r.Status, r.Failure),
			DataDir: r.Intent.DataDir, Manual: []string{"drydock recover " + r.Job},
		}
	}
	return e, nil
}
