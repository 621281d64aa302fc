package agent

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
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
}

// Runs lists the runs of a job that are remembered, the newest first.
func (a *Agent) Runs(ctx context.Context, j job.Job) (rows []RunRow, err error) {
	rows = []RunRow{}
	path := state.Path(a.o.DataDir, j.Name)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return rows, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	store, err := state.OpenReadOnly(ctx, path)
	if err != nil {
		return rows, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	runs, err := store.Last(state.KeepRuns)
	for _, r := range runs {
		rows = append(rows, rowOf(r))
	}
	return rows, err
}

func rowOf(r state.Run) RunRow {
	row := RunRow{RunID: r.ID, Job: r.Job, Started: r.Started, Finished: r.Finished, Status: string(r.Status), Error: r.Failure}
	if r.Artifact != nil {
		row.DataBytes, row.ArtifactBytes = r.Artifact.DataBytes, r.Artifact.Size
	}
	if !r.DownSince.IsZero() && !r.UpAgain.IsZero() {
		row.DowntimeSeconds = r.UpAgain.Sub(r.DownSince).Seconds()
	}
	return row
}
