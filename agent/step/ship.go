package step

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNotShipped is in the chain of the error of a run whose artifact reached no target.
var ErrNotShipped = errors.New("no target has the whole artifact; it is kept in the spool")

// Ship waits until every target has every chunk, or has failed.
type Ship struct {
	Backup *Backup
	// MySQLWaits says that the server is down meanwhile. Then the step does not wait for longer than the budget allows,
	// nor for targets that do nothing but fail: it ends early, with the artifact whole, and a second Ship, the Rest, waits
	// for what is left when the server is up.
	MySQLWaits bool
	Rest       bool
	Warn       func(string)  // told why it ends early; needed with MySQLWaits
	Patience   time.Duration // with targets that fail; 0 means two minutes
}

const (
	// defaultPatience is long enough for a provider that is started again, or a target that is, and not longer: the
	// artifact is whole in the spool and goes out all the same, so nothing is gained by a server that waits.
	defaultPatience = 2 * time.Minute
	// lookEvery is how often targets that may fail are looked at.
	lookEvery = 500 * time.Millisecond
)

// Name implements run.Step.
func (s *Ship) Name() string {
	if s.Rest {
		return "deliver"
	}
	return "ship"
}

// NothingToDo implements run.Needless: when an earlier Ship has waited to the end, nothing is left to do.
func (s *Ship) NothingToDo() bool { return s.Backup.Shipped != nil }

// Do fails when no target got everything. When only some did, the run goes on with those.
func (s *Ship) Do(ctx context.Context) error {
	if s.MySQLWaits && !s.Backup.Downtime.Began.IsZero() {
		if why := s.early(ctx); why != "" {
			s.Warn(why + ": MySQL is started first, and shipping goes on afterwards")
			return nil
		}
	}
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

// early returns why the server must not wait any longer; "" when all have what they can get, or the run is over.
func (s *Ship) early(ctx context.Context) string {
	ctx, cancel := s.Backup.withinBudget(ctx)
	defer cancel()
	patience := s.Patience
	if patience == 0 {
		patience = defaultPatience
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-s.Backup.Shipment.Ended():
			return ""
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errBudget) {
				return fmt.Sprintf("max_downtime of %s is used up", s.Backup.Job.MySQL.MaxDowntime)
			}
			return ""
		case <-look.C:
		}
		if since := s.Backup.Shipment.FailingSince(); !since.IsZero() && time.Since(since) >= patience {
			return fmt.Sprintf("no target has taken anything for %s", patience)
		}
	}
}
