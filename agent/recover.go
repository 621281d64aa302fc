package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/state"
)

// Recovered is a run that had died, and what was done about it.
type Recovered struct {
	RunID        string `json:"run"`
	Job          string `json:"job"`
	MySQLStarted bool   `json:"mysql_started"`
	Artifact     string `json:"artifact"` // "kept" for resume, "dropped", or "" when there was none
}

// What says it in words.
func (r Recovered) What() string {
	what := "MySQL was not stopped by it, or is up already"
	if r.MySQLStarted {
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

// Recover finishes the business of the job's runs that died: MySQL first, then what they left in the spool and at the
// targets. It is refused while a run of the job goes on.
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
	found, err = r.revive(ctx)
	if err != nil || len(found) == 0 {
		return found, err
	}
	if r.targets, err = a.openTargets(ctx, j); err != nil {
		return found, err
	}
	return found, r.settle(ctx, found)
}

// revive starts MySQL for every run that had stopped it and died.
func (r *running) revive(ctx context.Context) ([]Recovered, error) {
	runs, err := r.store.Unfinished()
	if err != nil {
		return nil, err
	}
	found := []Recovered{}
	for _, dead := range runs {
		if dead.Status != state.Running {
			continue
		}
		rec := Recovered{RunID: dead.ID, Job: dead.Job}
		if dead.Intent.Pending() {
			if err := r.startAgain(ctx, dead); err != nil {
				return found, fmt.Errorf("run %s had stopped MySQL: %w", dead.ID, err)
			}
			rec.MySQLStarted = true
		}
		found = append(found, rec)
	}
	return found, nil
}

// startAgain brings MySQL up and puts its settings back, as the run would have done.
func (r *running) startAgain(ctx context.Context, dead state.Run) error {
	r.server.MayBeStopping(dead.Intent.PID)
	if err := r.server.Start(ctx); err != nil {
		return err
	}
	up := r.now().UTC()
	if len(dead.Intent.Settings) > 0 {
		var settings mysql.Settings
		if err := json.Unmarshal(dead.Intent.Settings, &settings); err != nil {
			return fmt.Errorf("read its settings: %w", err)
		}
		if err := r.server.Apply(ctx, settings); err != nil {
			return fmt.Errorf("put back what the restart lost: %w", err)
		}
	}
	return r.store.UpdateRun(dead.ID, func(s *state.Run) error {
		s.Intent.Disarmed, s.Intent.StartedBy = true, "recover"
		s.UpAgain = up
		return nil
	})
}

// settle decides what becomes of the artifacts of dead runs: a whole one waits, anything less is dropped.
func (r *running) settle(ctx context.Context, found []Recovered) error {
	var failed []error
	for i := range found {
		dead, err := r.store.Run(found[i].RunID)
		if err == nil {
			found[i].Artifact, err = r.settleRun(ctx, dead)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func (r *running) settleRun(ctx context.Context, dead state.Run) (artifact string, err error) {
	const died = "the agent died during the run"
	if dead.Artifact != nil && dead.Artifact.Whole {
		return "kept", r.store.FinishRun(dead.ID, state.Waiting, r.now(), died)
	}
	if err := r.dropRun(ctx, dead); err != nil {
		// Nothing of it looks like a backup; that some bytes stay somewhere must not keep new runs from going ahead.
		r.o.Log.Warn("drop what a dead run left", "run", dead.ID, "error", err)
	}
	return "dropped", r.store.FinishRun(dead.ID, state.Failed, r.now(), died)
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
