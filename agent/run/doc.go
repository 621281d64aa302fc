// Package run walks one backup through its steps. It knows no concrete step.
//
// A step is Do and, where it changes the host, Undo. One loop does it all:
//
//	for each step:   register Undo ─► journal "begun" ─► Do ─► journal "done"
//	on any failure:  Undo in reverse order, under a context that outlives cancellation
//
// Undo is registered before Do, because a Do that fails half-way has changed the host all the same. A panic in a step
// is a failure like any other: the steps before it are undone.
package run
