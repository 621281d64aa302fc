// Package agent is the service: it wires the parts below it into whole operations - plan, run, resume, recover, and
// what can be done with a stored backup.
//
// One file per operation. A run reads from run.go: what is opened, the sequence of steps, and how it ends. What the
// steps do is in package step; how they are walked is in package run; what survives a crash is in package state.
//
// An Agent may be used by several goroutines; two runs of one job, or of two jobs on one data directory, exclude each
// other through locks that end with their process.
package agent
