package step

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// BudgetError says that the copy was given up because max_downtime was used up before it was complete.
type BudgetError struct {
	Budget      time.Duration
	Done, Total int64 // bytes of files that were archived, of those that there were
}

// Error names the budget and what was reached.
func (e *BudgetError) Error() string {
	return fmt.Sprintf("max_downtime of %s is used up: %d of %d bytes were archived (%d%%), and are dropped",
		e.Budget, e.Done, e.Total, 100*e.Done/max(e.Total, 1))
}

// Hint says what the user can do.
func (*BudgetError) Hint() string {
	return "allow more time with max_downtime, or make the copy faster: a faster compress level, fewer files, other disks"
}

// errBudget is the cause of a context whose time for the copy is over.
var errBudget = errors.New("max_downtime is used up")

// withinBudget ends when the server has to be given back its data directory: never where the job sets no bound, or where
// the server was down before.
func (b *Backup) withinBudget(ctx context.Context) (context.Context, context.CancelFunc) {
	until, bound := b.giveBack()
	if !bound {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, until, errBudget)
}

// giveBack is the moment at which the budget for the downtime is used up.
func (b *Backup) giveBack() (until time.Time, bound bool) {
	budget := b.Job.MySQL.MaxDowntime
	if budget == 0 || b.Downtime.Began.IsZero() {
		return until, false
	}
	return b.Downtime.Began.Add(budget), true
}

// overBudget replaces an error that only says that the time was over. What else went wrong stays.
func (b *Backup) overBudget(ctx context.Context, err error) error {
	var touched *TouchedError
	if err == nil || !errors.Is(context.Cause(ctx), errBudget) || errors.As(err, &touched) {
		return err
	}
	return &BudgetError{Budget: b.Job.MySQL.MaxDowntime, Done: b.Archived.Load(), Total: b.Survey.Inventory.Bytes}
}

// budgetWarning tells when a run is likely to use the budget up; "" when not.
func (b *Backup) budgetWarning() string {
	budget, predicted := b.Job.MySQL.MaxDowntime, b.Survey.Predicted
	if budget == 0 || predicted <= budget || !b.Survey.Running {
		return ""
	}
	return fmt.Sprintf("the predicted downtime of %s is longer than max_downtime of %s: past it MySQL is started again, "+
		"and a copy that is not complete by then is dropped", predicted, budget)
}
