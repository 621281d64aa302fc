package agent

import "errors"

// Interrupt is the cause of a context that somebody ended: by a signal, with `drydock cancel`, or by stopping the service.
type Interrupt struct {
	By string
	// Hold says that it was a person who wants this run to end: what waits in the spool then goes out when a person says so,
	// and not by itself.
	Hold bool
}

// Error says who ended the run.
func (i *Interrupt) Error() string { return "interrupted by " + i.By }

func isInterrupt(err error) bool {
	var i *Interrupt
	return errors.As(err, &i)
}

func isHeld(err error) bool {
	var i *Interrupt
	return errors.As(err, &i) && i.Hold
}
