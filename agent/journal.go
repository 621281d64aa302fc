package agent

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/agent/step"
)

// journal writes what the steps must not forget into the state file. It implements step.Journal and run.Journal.
type journal struct {
	*state.RunJournal
	store *state.Store
	id    string
}

func newJournal(store *state.Store, id string) *journal {
	return &journal{RunJournal: store.Journal(id), store: store, id: id}
}

// SaveIntent implements step.Journal.
func (j *journal) SaveIntent(_ context.Context, in step.Intent) error {
	settings, err := json.Marshal(in.Settings)
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	facts, err := json.Marshal(in.Facts)
	if err != nil {
		return fmt.Errorf("encode facts: %w", err)
	}
	return fault.Around("record.intent", func() error {
		return j.store.UpdateRun(j.id, func(r *state.Run) error {
			r.Server = facts
			r.Intent = &state.Intent{
				WasRunning: in.WasRunning, DataDir: in.MySQL.DataDir, PID: in.PID,
				Service: in.MySQL.Service.Kind, Start: in.MySQL.Service.Start, Unit: in.MySQL.Service.Unit,
				Host: in.MySQL.Host, Port: in.MySQL.Port, Socket: in.MySQL.Socket,
				StopLimit: in.MySQL.StopTimeout, StartLimit: in.MySQL.StartTimeout, AsksLate: len(in.MySQL.Service.Stop) > 0,
				Settings: settings, Written: in.At.UTC(),
			}
			if in.WasRunning {
				r.DownSince = in.At.UTC()
			}
			return nil
		})
	})
}

// Disarm implements step.Journal.
func (j *journal) Disarm(context.Context) error {
	return fault.Around("record.disarm", func() error {
		return j.store.UpdateRun(j.id, func(r *state.Run) error {
			if r.Intent != nil {
				r.Intent.Disarmed = true
			}
			return nil
		})
	})
}

// SaveArtifact implements step.Journal.
func (j *journal) SaveArtifact(_ context.Context, a step.Artifact) error {
	return fault.Around("record.artifact", func() error {
		return j.store.SetWhole(j.id, state.Artifact{
			Key: a.Key, ChunkSize: a.ChunkSize, Size: a.Size, DataBytes: a.DataBytes, Files: a.Files, MAC: a.MAC,
			Version: a.Version, Pages: a.Pages, Whole: true,
		}, a.Chunks)
	})
}

// SaveStored implements step.Journal.
func (j *journal) SaveStored(_ context.Context, label string) error {
	return fault.Around("record.stored", func() error {
		return j.store.UpdateTarget(j.id, label, func(t *state.Target) error {
			t.Committed, t.Manifest = true, true
			return nil
		})
	})
}
