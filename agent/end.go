package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/run"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/agent/step"
)

// end finishes a run, however its sequence ended: a backup that can still be saved is saved, what is of no use is
// dropped, the state says how it ended, those who want to know are told, and the locks are given back.
func (r *running) end(ctx context.Context, failure error) (Outcome, error) {
	// From here on nothing may be cut short by whoever cancelled the run; every part has its own bound.
	free := context.WithoutCancel(ctx)
	if r.guard != nil {
		r.guard.StandDown() // MySQL is up, or the run has tried and tells about it
	}
	failure = r.tooLate(interrupted(ctx, failure))
	if failure != nil && r.b.Artifact.Whole && ctx.Err() == nil {
		failure = errors.Join(failure, r.rescue(free, failure))
	}
	if !r.b.Artifact.Whole {
		r.discard(free)
	}
	if r.b.Shipment != nil {
		r.b.Shipment.Stop() // a run that was interrupted has not waited for it
	}
	failure = r.flawed(r.upAgain(r.queued(errors.Join(failure, r.partial(failure)))))
	out := r.outcome(failure)
	failure = r.guide(r.hint(failure), r.b.Job.Name, r.left(out))
	if err := r.finish(out, failure); err != nil {
		failure = errors.Join(failure, fmt.Errorf("record the end of the run: %w", err))
	}
	if e := r.ended(out, failure); e.Type != typeDown || !r.cried {
		r.notify(free, e)
	}
	r.log(out)
	if err := r.close(); err != nil {
		r.o.Log.Warn("close the run", "error", err)
	}
	return out, failure
}

// interrupted makes sure that a failure of a run that somebody ended says so, whatever the failing part made of it.
func interrupted(ctx context.Context, failure error) error {
	if cause := context.Cause(ctx); failure != nil && isInterrupt(cause) && !isInterrupt(failure) {
		return errors.Join(cause, failure)
	}
	return failure
}

// tooLate forgives an interruption that came when every target had the backup already: only the local copy was left.
func (r *running) tooLate(failure error) error {
	if !isInterrupt(failure) || len(r.b.Stored) == 0 || r.waits() {
		return failure
	}
	return r.spool.Destroy()
}

// rescue commits an artifact that is whole although a step between ship and commit failed: when MySQL does not come
// back, its backup is worth most.
func (r *running) rescue(ctx context.Context, failure error) error {
	var failed *run.StepError
	if !errors.As(failure, &failed) || failed.Step != "restart" && failed.Step != "confirm" {
		return nil
	}
	r.cryOut(ctx, failure)
	r.warn("the run failed with its artifact whole; shipping what there is")
	runner := run.Runner{Journal: r.journal, Observe: r.stepped}
	return runner.Run(ctx, r.afterwards()...)
}

// cryOut tells that MySQL is down before what is left is shipped, which may take long: somebody has to start it by hand.
func (r *running) cryOut(ctx context.Context, failure error) {
	if failure = r.upAgain(failure); downOf(failure) == nil {
		return
	}
	failure = r.guide(failure, r.b.Job.Name, "The artifact of run "+r.b.ID+" is whole, and is being shipped to its targets.")
	r.notify(ctx, r.ended(r.outcome(failure), failure))
	r.cried = true
}

// discard drops an artifact that never became whole, here and at the targets.
func (r *running) discard(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, cleanLimit)
	defer cancel()
	var failed []error
	if r.b.Shipment != nil {
		failed = append(failed, r.b.Shipment.Abort(ctx))
	}
	if r.spool != nil {
		failed = append(failed, r.spool.Destroy())
	}
	if err := errors.Join(failed...); err != nil {
		r.o.Log.Warn("drop the unfinished artifact", "run", r.b.ID, "error", err)
	}
}

// partial is the error of a backup that some targets lack.
func (r *running) partial(failure error) error {
	if failure != nil {
		return nil
	}
	var lacking []error
	for _, s := range r.b.Stored {
		if s.Err != nil {
			lacking = append(lacking, fmt.Errorf("target %q: %w", s.Label, s.Err))
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	return errors.Join(append([]error{ErrPartial}, lacking...)...)
}

// hint tells what to do about an artifact that waits in the spool. Where MySQL is down, the guide tells it.
func (r *running) hint(failure error) error {
	if failure == nil || !r.waits() || downOf(failure) != nil {
		return failure
	}
	return &hinted{failure, "the artifact waits in the spool: drydock agent ships it when the cause is gone, or drydock resume " + r.b.ID + " does"}
}

// hinted is an error with something that the user can do about it.
type hinted struct {
	error
	hint string
}

// Hint says what the user can do.
func (h *hinted) Hint() string { return h.hint }

// Unwrap returns the error.
func (h *hinted) Unwrap() error { return h.error }

// outcome sums the run up.
func (r *running) outcome(failure error) Outcome {
	b, now := r.b, r.now().UTC()
	out := Outcome{
		RunID: b.ID, Finished: now, Status: r.status(failure), Key: b.Artifact.Key,
		DowntimeSeconds: b.Downtime.Measured(now).Seconds(), PredictedSeconds: b.Downtime.Predicted.Seconds(),
		BudgetSeconds: b.Job.MySQL.MaxDowntime.Seconds(),
		DataBytes:     b.Artifact.DataBytes, ArtifactBytes: b.Artifact.Size, Files: b.Artifact.Files,
		Targets: []TargetOutcome{}, Pages: b.Artifact.Pages, DamagedPages: r.damaged,
	}
	if failure != nil {
		out.Error = failure.Error()
	}
	for _, label := range b.Held {
		out.BackupID = b.ID
		out.Targets = append(out.Targets, TargetOutcome{Target: label, Stored: true})
	}
	for _, s := range b.Stored {
		t := TargetOutcome{Target: s.Label, Stored: s.Err == nil}
		if s.Err != nil {
			t.Error = s.Err.Error()
		} else {
			out.BackupID = b.ID
		}
		out.Targets = append(out.Targets, t)
	}
	return out
}

func (r *running) status(failure error) Status {
	switch {
	case failure == nil:
		return StatusDone
	case downOf(failure) != nil:
		return StatusDown
	case errors.Is(failure, ErrPartial):
		return StatusPartial
	case errors.Is(failure, ErrQueued):
		return StatusWaiting
	case errors.Is(failure, ErrDamagedSource):
		return StatusDamaged
	case errors.Is(failure, context.Canceled) || isInterrupt(failure):
		return StatusCancelled
	}
	return StatusFailed
}

// finish writes the end of the run into the state file. A run whose artifact is whole but not everywhere waits.
func (r *running) finish(out Outcome, failure error) error {
	if r.journal == nil {
		return nil
	}
	held, err := r.store.Targets(r.b.ID)
	err = errors.Join(err, r.store.UpdateRun(r.b.ID, func(s *state.Run) error {
		s.DownSince, s.UpAgain = utc(r.b.Downtime.Began), utc(r.b.Downtime.Ended)
		s.PredictedSeconds = out.PredictedSeconds
		if !r.waits() {
			s.Queue = nil
			return nil
		}
		s.Queue = r.enqueue(s, held, r.failures(), out.Finished)
		s.Queue.Held = isHeld(failure)
		return nil
	}))
	status := state.Done
	switch {
	case r.waits():
		status = state.Waiting
	case out.Status == StatusCancelled:
		status = state.Cancelled
	case out.Status == StatusDamaged:
		status = state.Damaged
	case failure != nil:
		status = state.Failed
	}
	text := ""
	if failure != nil {
		text = failure.Error()
	}
	_, pruned := r.store.Prune(state.KeepRuns)
	ended := fault.Around("record.end", func() error { return r.store.FinishRun(r.b.ID, status, out.Finished, text) })
	return errors.Join(err, ended, pruned)
}

// waits reports whether the spool holds a whole artifact that some target still lacks.
func (r *running) waits() bool {
	if !r.b.Artifact.Whole {
		return false
	}
	if len(r.b.Stored) == 0 {
		return len(r.targets) > 0 || len(r.b.Held) == 0
	}
	for _, s := range r.b.Stored {
		if s.Err != nil {
			return true
		}
	}
	return false
}

// failures are the errors of the targets, by label.
func (r *running) failures() map[string]string {
	all := map[string]string{}
	for _, t := range r.b.Shipped {
		if t.Err != nil {
			all[t.Label] = t.Err.Error()
		}
	}
	for _, t := range r.b.Stored {
		if t.Err != nil {
			all[t.Label] = t.Err.Error()
		}
	}
	return all
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

// log notes the end of the run; a failure goes to the caller, who reports it.
func (r *running) log(out Outcome) {
	r.o.Log.Info("run ended", "run", out.RunID, "status", out.Status, "data_bytes", out.DataBytes,
		"artifact_bytes", out.ArtifactBytes, "downtime_seconds", out.DowntimeSeconds)
}

// afterwards are the steps that finish an artifact once it is whole.
func (r *running) afterwards() []run.Step {
	return []run.Step{
		&step.Ship{Backup: r.b},
		&step.Commit{Backup: r.b, Targets: r.targets, Journal: r.journal, Options: r.commitOptions(),
			Scratch: r.spool.Dir(), Manifest: r.manifest},
		&step.Clean{Backup: r.b, Spool: r.spool},
	}
}
