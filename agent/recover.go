package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/guardian"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/state"
)

// Recovered is a run that had died or had left MySQL down, and what was done about it.
type Recovered struct {
	RunID        string `json:"run"`
	Job          string `json:"job"`
	MySQLStarted bool   `json:"mysql_started"`
	StartedBy    string `json:"started_by,omitempty"` // "guardian", "agent", or "recover", which every run begins with
	Artifact     string `json:"artifact"`             // "kept" for resume, "dropped", or "" when there was none
}

// Who can have brought MySQL up after a run that did not.
const (
	startedByGuardian = "guardian"
	startedByRecover  = "recover"
	startedByService  = "agent"
)

// What says it in words.
func (r Recovered) What() string {
	what := "MySQL was not stopped by it, or is up already"
	switch r.StartedBy {
	case startedByGuardian:
		what = "its guardian has brought MySQL up again"
	case startedByRecover, startedByService:
		what = "MySQL is up again"
	}
	switch r.Artifact {
	case "kept":
		what += "; its artifact is whole: drydock resume " + r.RunID + " ships it"
	case "dropped":
		what += "; its unfinished artifact is dropped"
	}
	return what
}

// Recover finishes the business of the job's runs that died or left MySQL down: MySQL first, then what they left in the
// spool and at the targets. It is refused while a run of the job goes on.
func (a *Agent) Recover(ctx context.Context, j job.Job) (found []Recovered, err error) {
	r := &running{Agent: a, story: &story{clock: a.now}}
	r.b = newBackup("", j)
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.lock(ctx); err != nil {
		return nil, err
	}
	if r.server, err = a.openServer(j); err != nil {
		return nil, err
	}
	defer a.sweepDrills(ctx, j)
	found, err = r.revive(ctx, startedByRecover)
	if err != nil || len(found) == 0 {
		return found, err
	}
	if r.targets, err = a.openTargets(ctx, j); err != nil {
		return found, err
	}
	return found, r.settle(ctx, found)
}

// revive starts MySQL for every run that had stopped it and could not bring it back: because it died, or because the
// start failed. The oldest comes first, so that the latest settings win.
func (r *running) revive(ctx context.Context, by string) ([]Recovered, error) {
	runs, err := r.store.Last(state.KeepRuns)
	if err != nil {
		return nil, err
	}
	found := []Recovered{}
	for _, old := range slices.Backward(runs) {
		if old.Status != state.Running && !old.Intent.Pending() {
			continue
		}
		rec := Recovered{RunID: old.ID, Job: old.Job}
		switch {
		case old.Intent.Pending():
			if err := r.startAgain(ctx, old, by); err != nil {
				err = r.guide(fmt.Errorf("run %s had stopped MySQL: %w", old.ID, err), old.Job, r.leftOf(old))
				r.notify(ctx, r.notRecovered(old, err))
				return found, err
			}
			rec.StartedBy = by
		case old.Intent != nil:
			rec.StartedBy = old.Intent.StartedBy
			if rec.StartedBy == startedByGuardian {
				r.notify(ctx, r.recovered(old)) // a guardian has no providers
			}
		}
		rec.MySQLStarted = rec.StartedBy != ""
		found = append(found, rec)
	}
	return found, nil
}

// startAgain brings MySQL up and puts its settings back, as the run would have done. Nobody's Ctrl-C cuts it short; the
// waits have their own bounds.
func (r *running) startAgain(ctx context.Context, old state.Run, by string) error {
	ctx = context.WithoutCancel(ctx)
	if old.Intent.Started() && r.stoppedSince() {
		return r.letBe(old)
	}
	r.recallErrorLog(old)
	r.mayBeStopping(old.Intent.PID, old.Intent.Written)
	if err := r.server.Start(ctx); err != nil {
		return err
	}
	up := r.now().UTC()
	if pid, err := r.server.Holder(); err == nil && pid != old.Intent.PID && old.UpAgain.IsZero() { // else it was not down
		defer r.notify(ctx, r.recovered(old))
	}
	if err := r.putBack(ctx, old); err != nil {
		if !old.Status.Finished() {
			return fmt.Errorf("put back what the restart lost: %w", err)
		}
		// The run has reported it already; that it fails again must not keep every further run from going ahead.
		r.o.Log.Warn("put back what the restart lost", "run", old.ID, "error", err)
	}
	return r.broughtBack(old.ID, by, up)
}

// mayBeStopping says that a run asked this process to stop. A stop command of the job's own may outlive its run and ask
// late, until its time is up; the other ways of stopping ask at once.
func (r *running) mayBeStopping(pid int, asked time.Time) {
	until := time.Time{}
	if m := r.b.Job.MySQL; len(m.Service.Stop) > 0 {
		until = asked.Add(m.StopTimeout)
	}
	r.server.MayBeStopping(pid, until)
}

// recallErrorLog lets errors quote the server's own log, which it has named before it was stopped.
func (r *running) recallErrorLog(old state.Run) {
	var f mysql.Facts
	if json.Unmarshal(old.Server, &f) == nil { // what cannot be read is only not quoted
		r.server.ErrorLog = f.LogError
	}
}

func (r *running) putBack(ctx context.Context, old state.Run) error {
	if len(old.Intent.Settings) == 0 {
		return nil
	}
	var settings mysql.Settings
	if err := json.Unmarshal(old.Intent.Settings, &settings); err != nil {
		return fmt.Errorf("read them: %w", err)
	}
	return r.server.Apply(ctx, settings)
}

// settle decides what becomes of the artifacts of dead runs: a whole one waits, anything less is dropped.
func (r *running) settle(ctx context.Context, found []Recovered) error {
	var failed []error
	for i := range found {
		dead, err := r.store.Run(found[i].RunID)
		if err == nil && dead.Status == state.Running {
			err = fault.Around("record.settled", func() (err error) {
				found[i].Artifact, err = r.settleRun(ctx, dead)
				return err
			})
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func (r *running) settleRun(ctx context.Context, dead state.Run) (artifact string, err error) {
	died := "the agent died during the run; the log of its guardian is " + guardian.LogPath(r.o.DataDir, dead.Job)
	if dead.Artifact != nil && dead.Artifact.Whole {
		return "kept", r.keep(dead, died)
	}
	if err := r.dropRun(ctx, dead); err != nil {
		// Nothing of it looks like a backup; that some bytes stay somewhere must not keep new runs from going ahead.
		r.o.Log.Warn("drop what a dead run left", "run", dead.ID, "error", err)
	}
	return "dropped", r.store.FinishRun(dead.ID, state.Failed, r.now(), died)
}

// keep has a dead run's artifact wait for its targets.
func (r *running) keep(dead state.Run, why string) error {
	held, err := r.store.Targets(dead.ID)
	if err != nil {
		return err
	}
	return r.store.UpdateRun(dead.ID, func(s *state.Run) error {
		now := r.now().UTC()
		s.Queue = r.enqueue(s, held, nil, now)
		s.Queue.Next, s.Queue.Tries = now, 0 // nobody has tried it yet
		s.Status, s.Finished, s.Failure = state.Waiting, now, why
		return nil
	})
}

// dropRun removes what a run left in the spool and at the targets.
func (r *running) dropRun(ctx context.Context, dead state.Run) error {
	ctx, cancel := context.WithTimeout(ctx, cleanLimit)
	defer cancel()
	var failed []error
	if s, err := spool.Open(dead.SpoolDir); err == nil {
		failed = append(failed, s.Destroy())
	}
	uploads, err := r.store.Targets(dead.ID)
	failed = append(failed, err)
	for _, u := range uploads {
		for _, t := range r.targets {
			if t.Label == u.Label && u.Token != "" {
				t.Token = u.Token
				failed = append(failed, ship.Abort(ctx, t, ship.Options{Log: r.o.Log}))
			}
		}
	}
	return errors.Join(failed...)
}
