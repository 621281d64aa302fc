package step

import (
	"context"
	"errors"
	"fmt"
)

// ErrNotShipped is in the chain of the error of a run whose artifact reached no target.
var ErrNotShipped = errors.New("no target has the whole artifact; it is kept in the spool")

// Ship waits until every target has every chunk, or has failed.
type Ship struct {
	Backup *Backup
}

// Name implements run.Step.
func (*Ship) Name() string { return "ship" }

// Do fails when no target got everything. When only some did, the run goes on with those.
func (s *Ship) Do(ctx context.Context) error {
	s.Backup.Shipped = s.Backup.Shipment.Wait(ctx)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	var failed []error
	for _, r := range s.Backup.Shipped {
		if r.Err != nil {
			failed = append(failed, fmt.Errorf("target %q: %w", r.Label, r.Err))
		}
	}
	if len(failed) == len(s.Backup.Shipped) {
		return errors.Join(append([]error{ErrNotShipped}, failed...)...)
	}
	return nil
}
