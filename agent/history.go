package agent

import (
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/agent/step"
)

// history is what the last good run of the job has shown; the zero value when there is none.
func history(store *state.Store, restart job.Restart) (step.History, error) {
	const look = 20
	runs, err := store.Last(look)
	if err != nil {
		return step.History{}, err
	}
	for _, r := range runs {
		if r.Artifact == nil || !r.Artifact.Whole || r.UpAgain.IsZero() {
			continue
		}
		steps, err := store.Steps(r.ID)
		if err != nil {
			return step.History{}, err
		}
		return measured(r, steps, restart), nil
	}
	return step.History{}, nil
}

func measured(r state.Run, steps []state.Step, restart job.Restart) step.History {
	took := map[string]float64{}
	for _, s := range steps {
		if !s.Done.IsZero() {
			took[s.Name] = s.Done.Sub(s.Begun).Seconds()
		}
	}
	h := step.History{StopSeconds: took["stop"], StartSeconds: took["restart"], ArtifactBytes: r.Artifact.Size}
	copying := took["capture"]
	if restart == job.RestartAfterShip {
		copying += took["ship"]
	}
	if copying > 0 {
		h.BytesPerSecond = float64(r.Artifact.DataBytes) / copying
	}
	return h
}

func (r *running) history() step.History {
	h, err := history(r.store, r.b.Job.Restart)
	if err != nil {
		r.o.Log.Warn("read the history of runs", "error", err)
	}
	return h
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
