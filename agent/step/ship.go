package step

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNotShipped is in the chain of the error of a run whose artifact reached no target.
var ErrNotShipped = errors.New("no target has the whole artifact; it is kept in the spool")

// Ship waits until every target has every chunk, or has failed.
type Ship struct {
	Backup *Backup
	// MySQLWaits says that the server is down meanwhile. Then the step does not wait for longer than the budget allows,
	// nor for targets that are away: it ends early, with the artifact whole, and a second Ship, the Rest, waits for what is
	// left when the server is up.
	MySQLWaits bool
	Rest       bool
	Warn       func(string)  // told why it ends early; needed with MySQLWaits
	Grace      time.Duration // for targets that are away; 0 means 10 seconds
}

// defaultGrace is long enough for a provider that is started again, or a connection that is. More would be of no use: the
// artifact is whole in the spool and goes out all the same.
const defaultGrace = 10 * time.Second

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
	away := s.Backup.Shipment.AllAway(ctx, cmp.Or(s.Grace, defaultGrace))
	switch {
	case len(away) > 0:
		return fmt.Sprintf("nothing gets through to %s for now", targetNames(away))
	case errors.Is(context.Cause(ctx), errBudget):
		return fmt.Sprintf("max_downtime of %s is used up", s.Backup.Job.MySQL.MaxDowntime)
	}
	return ""
}

func targetNames(labels []string) string {
	quoted := make([]string, len(labels))
	for i, l := range labels {
		quoted[i] = fmt.Sprintf("target %q", l)
	}
	return strings.Join(quoted, ", ")
}
