package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/run"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/agent/step"
)

// Waiting returns the ids of the job's runs whose artifact waits in the spool for a target.
func (a *Agent) Waiting(ctx context.Context, j job.Job) (ids []string, err error) {
	store, err := a.openState(ctx, j)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	runs, err := store.Unfinished()
	for _, r := range runs {
		if r.Status == state.Waiting {
			ids = append(ids, r.ID)
		}
	}
	return ids, err
}

// Resume ships the artifact of a waiting run to the targets that lack it. MySQL is not touched. The Outcome is that of
// the whole run.
func (a *Agent) Resume(ctx context.Context, j job.Job, id string, observe func(Event)) (Outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &running{Agent: a, story: &story{run: id, observe: observe, clock: a.now}}
	r.b = newBackup(id, j)
	if err := r.reopen(ctx, cancel); err != nil {
		return Outcome{}, errors.Join(err, r.close())
	}
	runner := run.Runner{Journal: r.journal, Observe: r.stepped}
	out, err := r.end(ctx, runner.Run(ctx, r.rest()...))
	return r.over(out), err
}

// rest is what a waiting run still has to do. One that died when every target held the backup has only its local copy left,
// if that.
func (r *running) rest() []run.Step {
	switch {
	case len(r.targets) > 0:
		return append([]run.Step{&reship{r}}, r.afterwards()...)
	case r.spool != nil:
		return []run.Step{&step.Clean{Backup: r.b, Spool: r.spool}}
	}
	return nil
}

// reopen takes up a run from its record.
func (r *running) reopen(ctx context.Context, cancel context.CancelCauseFunc) (err error) {
	if r.store, err = r.openState(ctx, r.b.Job); err != nil {
		return err
	}
	if err := r.heed(cancel); err != nil {
		return err
	}
	old, err := r.store.Run(r.b.ID)
	if err != nil {
		return fmt.Errorf("run %s: %w", r.b.ID, err)
	}
	if old.Status != state.Waiting || old.Artifact == nil || !old.Artifact.Whole {
		return fmt.Errorf("run %s is %s: only a run whose artifact waits in the spool can be resumed", old.ID, old.Status)
	}
	if err := r.recall(old); err != nil {
		return fmt.Errorf("run %s: %w", old.ID, err)
	}
	if err := r.lacking(ctx); err != nil {
		return err
	}
	r.journal = newJournal(r.store, r.b.ID)
	r.spool, err = spool.Open(old.SpoolDir)
	if len(r.targets) == 0 && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// recall fills in what the run knew.
func (r *running) recall(old state.Run) (err error) {
	b := r.b
	b.Started = old.Started
	a := old.Artifact
	b.Artifact = step.Artifact{Key: a.Key, ChunkSize: a.ChunkSize, Size: a.Size, DataBytes: a.DataBytes, Files: a.Files, MAC: a.MAC,
		Version: max(1, a.Version), Pages: a.Pages, Whole: true}
	if b.Artifact.Chunks, err = r.store.Chunks(old.ID); err != nil {
		return err
	}
	b.Downtime = step.Downtime{Began: old.DownSince, Ended: old.UpAgain}
	b.Downtime.Predicted = seconds(old.PredictedSeconds)
	if len(old.Server) == 0 {
		return nil
	}
	return json.Unmarshal(old.Server, &b.Survey.Facts)
}

// lacking opens the targets that do not hold the backup yet.
func (r *running) lacking(ctx context.Context) error {
	all, err := r.openTargets(ctx, r.b.Job)
	if err != nil {
		return err
	}
	known, err := r.store.Targets(r.b.ID)
	if err != nil {
		return err
	}
	byLabel := map[string]state.Target{}
	for _, t := range known {
		byLabel[t.Label] = t
	}
	for _, t := range all {
		if byLabel[t.Label].Manifest {
			r.b.Held = append(r.b.Held, t.Label)
			continue
		}
		t.Token = byLabel[t.Label].Token
		r.targets = append(r.targets, t)
	}
	return nil
}

// reship offers the chunks in the spool to the targets that lack them.
type reship struct{ r *running }

// Name implements run.Step.
func (*reship) Name() string { return "resume" }

// Do returns when the transfer has begun; step ship waits for its end.
func (s *reship) Do(ctx context.Context) error {
	r := s.r
	shipment, err := ship.Start(ctx, r.targets, r.shipOptions(r.b.Artifact.Size))
	if err != nil {
		return err
	}
	r.b.Shipment = shipment
	for _, c := range r.b.Artifact.Chunks {
		c.Path = r.spool.Path(c.Index)
		if err := shipment.Offer(c); err != nil {
			return err
		}
	}
	shipment.Finish()
	return nil
}
