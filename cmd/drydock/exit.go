package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/instance"
)

// The exit codes of the command line. They are a contract: see docs/admin/command-line.md.
const (
	exitDone      = 0
	exitFailed    = 1   // failed, MySQL is up
	exitUsage     = 2   // usage or invalid configuration
	exitDown      = 3   // failed and MySQL is down
	exitPartial   = 4   // stored, but not everywhere
	exitDamage    = 5   // verification found damage, in a backup or in the database while it was archived
	exitCancelled = 130 // cancelled, MySQL is up
)

// usageError is a mistake in the command line or in a job file.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// silentError carries an exit code for something that has been printed already.
type silentError struct{ code int }

func (e *silentError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// exitCode prints what has not been printed yet and chooses the exit code.
func (a *app) exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	var silent *silentError
	if errors.As(err, &silent) {
		return silent.code
	}
	fmt.Fprintln(a.stderr, "drydock:", err)
	a.printHelpFor(err)
	return codeOf(err)
}

func codeOf(err error) int {
	var usage *usageError
	var down *instance.DownError
	var interrupt *agent.Interrupt
	switch {
	case errors.As(err, &down):
		return exitDown
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, agent.ErrDamaged), errors.Is(err, agent.ErrDamagedSource):
		return exitDamage
	case errors.Is(err, agent.ErrPartial), errors.Is(err, agent.ErrQueued):
		return exitPartial
	case errors.As(err, &interrupt), errors.Is(err, context.Canceled):
		return exitCancelled
	}
	return exitFailed
}

// printHelpFor prints what the reader can do about an error.
func (a *app) printHelpFor(err error) {
	var guided interface{ Guide() string }
	if errors.As(err, &guided) {
		fmt.Fprintf(a.stderr, "\n%s\n", printableLines(guided.Guide()))
	}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		fmt.Fprintln(a.stderr, "hint:", hinted.Hint())
	}
}
