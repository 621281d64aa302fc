package agent

import (
	"errors"

	"github.com/drydock-backup/drydock/agent/instance"
)

// upAgain is the failure of a run whose first start of MySQL went wrong and whose second one, by the undoing of the stop,
// went well: MySQL is up, and nothing in the chain may say otherwise.
func (r *running) upAgain(failure error) error {
	var down *instance.DownError
	if r.b.Downtime.Ended.IsZero() || !errors.As(failure, &down) {
		return failure
	}
	return &upAgainError{failure}
}

// upAgainError hides the *instance.DownError in its chain, and nothing else.
type upAgainError struct{ failure error }

// Error says both.
func (e *upAgainError) Error() string { return e.failure.Error() + "; started once more, it is up" }

// Is looks through the chain.
func (e *upAgainError) Is(target error) bool { return errors.Is(e.failure, target) }

// As looks through the chain for everything but a server that is down.
func (e *upAgainError) As(target any) bool {
	if _, down := target.(**instance.DownError); down {
		return false
	}
	return errors.As(e.failure, target)
}
