package run

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Step is one part of a run.
type Step interface {
	// Name is the step's name in logs, in the journal and in errors: one lower-case word.
	Name() string
	// Do does the work. It must be repeatable: the agent may die after the work and before the checkpoint.
	Do(ctx context.Context) error
}

// Undoer is a Step that changes the host and can put it back.
type Undoer interface {
	// Undo puts back what Do changed. It is called when Do or a later step failed, also when Do never finished; it
	// must be safe then, and safe to call twice.
	Undo(ctx context.Context) error
}

// Needless is a Step that may find that nothing is left to do when its turn comes: then it is passed over without a trace.
type Needless interface {
	NothingToDo() bool
}

// Journal keeps the checkpoints of a run where they survive a crash.
type Journal interface {
	StepBegun(ctx context.Context, step string) error
	StepDone(ctx context.Context, step string) error
}

// Phase says what the runner is doing with a step.
type Phase string

// The phases of a step.
const (
	Begun  Phase = "begun"
	Done   Phase = "done"
	Failed Phase = "failed"
	Undone Phase = "undone"
)

// Event tells an observer of a step's progress through its phases.
type Event struct {
	Step  string
	Phase Phase
	Took  time.Duration // for Done, Failed and Undone
	Err   error         // for Failed, and for Undone when the undoing itself went wrong
}

// StepError is the failure of one step. Undoing that failed as well is in Undo.
type StepError struct {
	Step string
	Err  error
	Undo error // nil when everything could be put back
}

// Error returns "step: cause", and what could not be put back.
func (e *StepError) Error() string {
	if e.Undo == nil {
		return e.Step + ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s: %v; afterwards: %v", e.Step, e.Err, e.Undo)
}

// Unwrap returns the step's error and that of the undoing.
func (e *StepError) Unwrap() []error { return []error{e.Err, e.Undo} }

// PanicError is a panic of a step, caught so that the host can be put back.
type PanicError struct {
	Value any
	Stack []byte
}

// Error returns the panic's value and its stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

// Runner runs steps one after the other. Its fields are set once, before Run.
type Runner struct {
	Journal     Journal
	Observe     func(Event)   // called from Run's goroutine; may be nil
	UndoTimeout time.Duration // bound for the Undo of one step; 0 means the step's own bounds alone
}

// Run does the steps in order. When one fails, or ctx ends, it undoes those that were begun, in reverse order, and
// returns a *StepError.
func (r *Runner) Run(ctx context.Context, steps ...Step) error {
	var begun []Step
	for _, s := range steps {
		if k, ok := s.(Needless); ok && k.NothingToDo() {
			continue
		}
		begun = append(begun, s)
		if err := r.do(ctx, s); err != nil {
			return &StepError{Step: s.Name(), Err: err, Undo: r.undo(ctx, begun)}
		}
	}
	return nil
}

func (r *Runner) do(ctx context.Context, s Step) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	started := time.Now()
	r.observe(Event{Step: s.Name(), Phase: Begun})
	err := r.checkpointed(ctx, s)
	phase := Done
	if err != nil {
		phase = Failed
	}
	r.observe(Event{Step: s.Name(), Phase: phase, Took: time.Since(started), Err: err})
	return err
}

func (r *Runner) checkpointed(ctx context.Context, s Step) error {
	if err := r.Journal.StepBegun(ctx, s.Name()); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := caught(func() error { return s.Do(ctx) }); err != nil {
		return err
	}
	// The work is done, and only its record is missing: a cancellation that comes now must not lose it.
	if err := r.Journal.StepDone(context.WithoutCancel(ctx), s.Name()); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

func (r *Runner) undo(ctx context.Context, begun []Step) error {
	var failed []error
	for i := len(begun) - 1; i >= 0; i-- {
		u, ok := begun[i].(Undoer)
		if !ok {
			continue
		}
		started := time.Now()
		err := r.undoOne(context.WithoutCancel(ctx), u)
		if err != nil {
			err = fmt.Errorf("undo %s: %w", begun[i].Name(), err)
			failed = append(failed, err)
		}
		r.observe(Event{Step: begun[i].Name(), Phase: Undone, Took: time.Since(started), Err: err})
	}
	return errors.Join(failed...)
}

func (r *Runner) undoOne(ctx context.Context, u Undoer) error {
	if r.UndoTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.UndoTimeout)
		defer cancel()
	}
	return caught(func() error { return u.Undo(ctx) })
}

func (r *Runner) observe(e Event) {
	if r.Observe != nil {
		r.Observe(e)
	}
}

// caught turns a panic of f into an error.
func caught(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}
