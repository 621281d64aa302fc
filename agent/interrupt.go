package agent

import "errors"

// Interrupt is the cause of a context that a person ended: a signal, or `drydock cancel`.
type Interrupt struct{ By string }

// Error says who ended the run.
func (i *Interrupt) Error() string { return "interrupted by " + i.By }

func isInterrupt(err error) bool {
	var i *Interrupt
	return errors.As(err, &i)
}
