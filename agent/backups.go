package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/agent/innodb"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/manifest"
	"github.com/drydock-backup/drydock/agent/ship"
)

// Backup is one backup at one target, as its manifest there tells. Its JSON keys are a contract.
type Backup struct {
	ID        string         `json:"id"`
	Job       string         `json:"job"`
	Target    string         `json:"target"`
	Key       string         `json:"key"` // of the artifact
	Created   time.Time      `json:"created"`
	Bytes     int64          `json:"bytes"`
	DataBytes int64          `json:"data_bytes"`
	Sealed    bool           `json:"sealed"`
	Verified  bool           `json:"verified"`            // it was read back from the target when it was made
	HeldUntil time.Time      `json:"held_until,omitzero"` // the target refuses to delete it before then
	LegalHold bool           `json:"legal_hold"`          // the target refuses to delete it until somebody lifts the hold
	Pages     *innodb.Totals `json:"pages,omitempty"`     // of InnoDB, checked while it was made; absent when they were not
	Damage    string         `json:"damage,omitempty"`    // why its manifest cannot be read; then only Target and Key are known

	manifest *manifest.Manifest
	from     ship.Target
}

// Backups lists the job's backups, the newest first, read from the targets. What can be listed is returned also when
// some target fails.
func (a *Agent) Backups(ctx context.Context, j job.Job) ([]Backup, error) {
	targets, err := a.openTargets(ctx, j)
	if err != nil {
		return []Backup{}, err
	}
	lists, failed := make([][]Backup, len(targets)), make([]error, len(targets))
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() {
			lists[i], failed[i] = a.list(ctx, t, j.Name)
		})
	}
	wg.Wait()
	all := append([]Backup{}, slices.Concat(lists...)...)
	slices.SortStableFunc(all, func(x, y Backup) int { return y.Created.Compare(x.Created) })
	return all, errors.Join(failed...)
}

// list reads the manifests at one target. A damaged one is listed for whatever job it may be of.
func (a *Agent) list(ctx context.Context, t ship.Target, jobName string) ([]Backup, error) {
	stored, err := ship.Backups(ctx, t, "", ship.Options{Log: a.o.Log})
	if err != nil {
		return nil, err
	}
	var found []Backup
	for _, s := range stored {
		if s.Manifest == nil || s.Manifest.Job == jobName {
			found = append(found, backupOf(s, t))
		}
	}
	return found, nil
}

func backupOf(s ship.Backup, t ship.Target) Backup {
	b := Backup{Key: s.Key, Target: t.Label, manifest: s.Manifest, from: t}
	if m := s.Manifest; m != nil {
		b.ID, b.Job, b.Created, b.Bytes, b.DataBytes, b.Sealed = m.Backup, m.Job, m.Created, m.Size, m.DataBytes, m.Sealed
		b.Pages = m.Pages
	}
	b.HeldUntil, b.LegalHold = s.Hold.Until, s.Hold.Legal
	if s.Err != nil {
		b.Damage = s.Err.Error()
	}
	b.Verified = s.Err == nil // a manifest is written only after the object was read back
	return b
}

// find returns a backup by its id, or the newest; target "" means any.
func (a *Agent) find(ctx context.Context, j job.Job, id, target string) (Backup, error) {
	if target != "" && !slices.ContainsFunc(j.Targets, func(p job.Provider) bool { return p.Label == target }) {
		return Backup{}, fmt.Errorf("job %q has no target %q", j.Name, target)
	}
	all, err := a.Backups(ctx, j)
	for _, b := range all {
		if b.manifest != nil && (id == Latest || b.ID == id) && (target == "" || b.Target == target) {
			return b, nil
		}
	}
	missing := fmt.Errorf("%w: %s of job %q", ErrNoBackup, id, j.Name)
	return Backup{}, errors.Join(&hinted{missing, "drydock backups lists what the targets hold"}, err)
}
