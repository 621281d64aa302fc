package step

import (
	"context"
)

// Clean drops the local copy once every target holds the backup.
type Clean struct {
	Backup *Backup
	Spool  Spool
}

// Name implements run.Step.
func (*Clean) Name() string { return "clean" }

// Do keeps the spool when a target still waits for its copy.
func (c *Clean) Do(context.Context) error {
	for _, s := range c.Backup.Stored {
		if s.Err != nil {
			return nil
		}
	}
	return c.Spool.Destroy()
}
