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
	ID        string    `json:"id"`
	Job       string    `json:"job"`
	Target    string    `json:"target"`
	Key       string    `json:"key"` // of the artifact
	Created   time.Time `json:"created"`
	Bytes     int64     `json:"bytes"`
	DataBytes int64     `json:"data_bytes"`
	Sealed    bool      `json:"sealed"`
	Verified  bool      `json:"verified"` // it was read back from the target when it was made
	// What verifications on this host have found.
	LastVerified time.Time `json:"last_verified,omitzero"` // when it was last found whole
	VerifiedBy   string    `json:"verified_by,omitempty"`  // and how: digests, deep, drill
	LastProven   time.Time `json:"last_proven,omitzero"`   // when a server last ran on it: it is proven restorable
	LastFailure  string    `json:"last_failure,omitempty"` // what the latest verification found wrong

	HeldUntil time.Time      `json:"held_until,omitzero"` // the target refuses to delete it before then
	LegalHold bool           `json:"legal_hold"`          // the target refuses to delete it until somebody lifts the hold
	Pages     *innodb.Totals `json:"pages,omitempty"`     // of InnoDB, checked while it was made; absent when they were not
	Newer     int            `json:"newer,omitempty"`     // version of a manifest that a later drydock has written; little else is known
	Damage    string         `json:"damage,omitempty"`    // why its manifest cannot be read; then only Target and Key are known

	manifest *manifest.Manifest
	from     ship.Target
}

// UnlistedError says that some target could not be listed.
type UnlistedError struct {
	Errs     []error // one for each such target
	Answered int     // targets that were listed all the same
}

// Error returns the errors of the targets, a line each.
func (e *UnlistedError) Error() string { return errors.Join(e.Errs...).Error() }

// Unwrap returns them.
func (e *UnlistedError) Unwrap() []error { return e.Errs }

// Backups lists the job's backups, the newest first, read from the targets. What can be listed is returned also when
// some target fails, with an *UnlistedError.
func (a *Agent) Backups(ctx context.Context, j job.Job) ([]Backup, error) {
	lists, failed := make([][]Backup, len(j.Targets)), make([]error, len(j.Targets))
	var wg sync.WaitGroup
	for i, p := range j.Targets {
		wg.Go(func() {
			lists[i], failed[i] = a.list(ctx, p, j.Name)
		})
	}
	wg.Wait()
	all := append([]Backup{}, slices.Concat(lists...)...)
	slices.SortStableFunc(all, func(x, y Backup) int { return y.Created.Compare(x.Created) })
	failed = slices.DeleteFunc(failed, func(err error) bool { return err == nil })
	if len(failed) > 0 {
		return all, &UnlistedError{Errs: failed, Answered: len(j.Targets) - len(failed)}
	}
	return all, nil
}

// list reads the manifests at one target. A damaged one is listed for whatever job it may be of.
func (a *Agent) list(ctx context.Context, p job.Provider, jobName string) ([]Backup, error) {
	t, err := a.openTarget(ctx, p)
	if err != nil {
		return nil, err
	}
	stored, err := ship.Backups(ctx, t, "", ship.Options{Log: a.o.Log})
	if err != nil {
		return nil, err
	}
	var found []Backup
	for _, s := range stored {
		if b := backupOf(s, t); b.Job == "" || b.Job == jobName {
			a.recall(&b)
			found = append(found, b)
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
	var newer *manifest.NewerError
	switch {
	case errors.As(s.Err, &newer):
		b.Newer, b.ID, b.Job = newer.Version, newer.Backup, newer.Job
	case s.Err != nil:
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
	all = slices.DeleteFunc(all, func(b Backup) bool { return target != "" && b.Target != target })
	if b, ok := choose(all, id); ok {
		return b, newerError(b)
	}
	return Backup{}, errors.Join(a.missing(ctx, j, id, all), err)
}

// choose picks a backup by its id, or the newest: the copy at the first target where nothing speaks against it. Nobody can
// tell the time of a backup of a newer format, so where there is one it counts as the newest.
func choose(all []Backup, id string) (best Backup, found bool) {
	if i := slices.IndexFunc(all, func(b Backup) bool { return b.Newer > 0 }); id == Latest && i >= 0 {
		return all[i], true
	}
	for _, b := range all {
		known := b.manifest != nil || b.Newer > 0
		switch {
		case !known || id != Latest && b.ID != id || found && b.ID != best.ID:
		case !found, best.Damage != "" && b.Damage == "":
			best, found = b, true
		}
	}
	return best, found
}
