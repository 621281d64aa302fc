package step

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/drydock-backup/drydock/agent/ship"
)

// ErrNotStored is in the chain of the error of a run that no target holds a proven backup of.
var ErrNotStored = errors.New("no target holds the backup; it is kept in the spool")

// Commit turns what was shipped into a backup, at each target by itself: the object becomes visible, is read back, and
// only then gets its manifest.
type Commit struct {
	Backup   *Backup
	Targets  []ship.Target
	Journal  Journal
	Options  ship.Options
	Scratch  string // private directory
	Manifest func() ([]byte, error)
}

// Name implements run.Step.
func (*Commit) Name() string { return "commit" }

// Do fails when no target holds the backup in the end.
func (c *Commit) Do(ctx context.Context) error {
	data, err := c.Manifest()
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	c.Backup.Stored = make([]Stored, len(c.Backup.Shipped))
	var wg sync.WaitGroup
	for i, r := range c.Backup.Shipped {
		c.Backup.Stored[i] = Stored{Label: r.Label, Err: r.Err}
		if r.Err == nil {
			wg.Go(func() { c.Backup.Stored[i].Err = c.commit(ctx, r, data) })
		}
	}
	wg.Wait()
	return c.verdict(ctx)
}

func (c *Commit) commit(ctx context.Context, r ship.Result, data []byte) error {
	t, err := c.target(r.Label)
	if err != nil {
		return err
	}
	a := c.Backup.Artifact
	if err := ship.Commit(ctx, t, r.Token, a.Key, a.Size, a.Chunks, c.Options); err != nil {
		return err
	}
	c.Backup.Shipment.Committed(r.Label)
	if err := ship.PutManifest(ctx, t, data, c.Scratch, c.Options); err != nil {
		return err
	}
	return c.Journal.SaveStored(ctx, r.Label)
}

func (c *Commit) target(label string) (ship.Target, error) {
	for _, t := range c.Targets {
		if t.Label == label {
			return t, nil
		}
	}
	return ship.Target{}, fmt.Errorf("target %q is not in the job", label)
}

func (c *Commit) verdict(ctx context.Context) error {
	failed := []error{ErrNotStored}
	for _, s := range c.Backup.Stored {
		if s.Err != nil {
			failed = append(failed, s.Err)
		}
	}
	switch len(failed) - 1 {
	case 0:
		return nil // a cancellation came too late
	case len(c.Backup.Stored):
		return errors.Join(failed...)
	}
	return context.Cause(ctx)
}
