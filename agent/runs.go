package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/state"
)

// RunRow is one run in the history of a job. Its JSON keys are a contract.
type RunRow struct {
	RunID           string    `json:"run"`
	Job             string    `json:"job"`
	Started         time.Time `json:"started"`
	Finished        time.Time `json:"finished,omitzero"`
	Status          string    `json:"status"`
	DowntimeSeconds float64   `json:"downtime_seconds"`
	DataBytes       int64     `json:"data_bytes"`
	ArtifactBytes   int64     `json:"artifact_bytes"`
	Error           string    `json:"error,omitempty"`

	// What drills of its backup have found on this host.
	LastProven   time.Time `json:"last_proven,omitzero"`    // when a server last ran on it
	DrillFailure string    `json:"drill_failure,omitempty"` // what the latest drill found wrong; the status is "damaged" then

	Waiting *WaitingRow `json:"waiting,omitempty"` // only for a run whose artifact waits in the spool
}

// WaitingRow is what is known of an artifact that waits.
type WaitingRow struct {
	Since   time.Time    `json:"since,omitzero"`
	Bytes   int64        `json:"bytes"` // that lie in the spool
	Tries   int          `json:"tries"`
	NextTry time.Time    `json:"next_try,omitzero"` // by the service; zero when it is held
	Held    bool         `json:"held"`              // cancelled: goes out by drydock resume alone
	Targets []TargetLack `json:"targets"`
}

// TargetLack is a target that does not hold the backup yet.
type TargetLack struct {
	Target string `json:"target"`
	Error  string `json:"error,omitempty"` // of the last try
}

// RunDetail is all that is remembered of one run. Its JSON keys are a contract.
type RunDetail struct {
	RunRow
	Key              string      `json:"key,omitempty"`
	Files            int64       `json:"files"`
	PredictedSeconds float64     `json:"predicted_downtime_seconds"`
	SpoolDir         string      `json:"spool_dir,omitempty"`
	MySQLPending     bool        `json:"mysql_pending"` // the run has stopped MySQL, and nobody has seen to it that it is up
	Steps            []StepRow   `json:"steps"`
	Targets          []TargetRow `json:"targets"`
	Holder           string      `json:"holder,omitempty"` // the process that works on it now
}

// StepRow is the checkpoint of one step.
type StepRow struct {
	Step  string    `json:"step"`
	Begun time.Time `json:"begun"`
	Done  time.Time `json:"done,omitzero"`
}

// TargetRow is how far a run has come at one target.
type TargetRow struct {
	Target  string `json:"target"`
	Stored  bool   `json:"stored"`
	Arrived int    `json:"arrived"` // chunks that it has confirmed; 0 again once the run is finished
}

// Runs lists the runs of a job that are remembered, the newest first. It works while a run goes on.
func (a *Agent) Runs(ctx context.Context, job string) (rows []RunRow, err error) {
	rows = []RunRow{}
	store, err := a.look(ctx, job)
	if err != nil || store == nil {
		return rows, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	runs, err := store.Last(state.KeepRuns)
	drills := a.drills(job)
	for _, r := range runs {
		rows = append(rows, rowOf(r, drills))
	}
	return rows, err
}

// look opens a job's state to be looked at; nil when the job has not run yet.
func (a *Agent) look(ctx context.Context, job string) (*state.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	store, err := state.Look(ctx, state.Path(a.o.DataDir, job))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return store, err
}

// lookLimit bounds the wait for a state file that is written to all the time.
const lookLimit = 10 * time.Second

// ShowRun tells all about one run.
func (a *Agent) ShowRun(ctx context.Context, id string) (d RunDetail, err error) {
	store, err := a.look(ctx, JobOf(id))
	if err != nil {
		return d, err
	}
	if store == nil {
		return d, fmt.Errorf("run %q: %w", id, state.ErrNotFound)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	r, err := store.Run(id)
	if err != nil {
		return d, err
	}
	d = RunDetail{RunRow: rowOf(r, a.drills(r.Job)), PredictedSeconds: r.PredictedSeconds, SpoolDir: r.SpoolDir,
		MySQLPending: r.Intent.Pending() && !r.Intent.Started(), Steps: []StepRow{}, Targets: []TargetRow{}}
	if r.Artifact != nil {
		d.Key, d.Files = r.Artifact.Key, r.Artifact.Files
	}
	if h := state.HolderOf(state.Path(a.o.DataDir, JobOf(id))); h.Run == id {
		d.Holder = h.String()
	}
	return d, d.fill(store, r)
}

// fill adds steps and targets.
func (d *RunDetail) fill(store *state.Store, r state.Run) error {
	steps, err := store.Steps(r.ID)
	if err != nil {
		return err
	}
	for _, s := range steps {
		d.Steps = append(d.Steps, StepRow{Step: s.Name, Begun: s.Begun, Done: s.Done})
	}
	targets, err := store.Targets(r.ID)
	if err != nil {
		return err
	}
	known := map[string]state.Target{}
	for _, t := range targets {
		known[t.Label] = t
	}
	for _, label := range r.Targets {
		row := TargetRow{Target: label, Stored: known[label].Manifest}
		if _, begun := known[label]; begun {
			arrived, err := store.Arrived(r.ID, label)
			if err != nil {
				return err
			}
			row.Arrived = len(arrived)
		}
		d.Targets = append(d.Targets, row)
	}
	return nil
}

func rowOf(r state.Run, drills map[string]Result) RunRow {
	row := RunRow{RunID: r.ID, Job: r.Job, Started: r.Started, Finished: r.Finished, Status: string(r.Status), Error: r.Failure}
	if r.Artifact != nil {
		row.DataBytes, row.ArtifactBytes = r.Artifact.DataBytes, r.Artifact.Size
	}
	if !r.DownSince.IsZero() && !r.UpAgain.IsZero() {
		row.DowntimeSeconds = r.UpAgain.Sub(r.DownSince).Seconds()
	}
	drilled := drilledRun(drills, r.ID)
	row.LastProven, row.DrillFailure = drilled.Good, drilled.Failure
	if drilled.Failure != "" && r.Status == state.Done {
		row.Status = string(state.Damaged)
	}
	if r.Status == state.Waiting && r.Queue != nil {
		row.Waiting = waitingOf(r)
	}
	return row
}

func waitingOf(r state.Run) *WaitingRow {
	q := r.Queue
	w := &WaitingRow{Since: q.Since, Tries: q.Tries, Held: q.Held, Targets: []TargetLack{}}
	if !q.Held {
		w.NextTry = q.Next
	}
	w.Bytes, _ = spool.Size(r.SpoolDir) // 0 says enough of a spool that cannot be read
	for _, l := range q.Lacking {
		w.Targets = append(w.Targets, TargetLack(l))
	}
	return w
}
