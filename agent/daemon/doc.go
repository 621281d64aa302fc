// Package daemon is the service: it sees to it that nothing a run has begun is left undone.
//
// For every job that has run on this host it looks again and again, and does what is to be done, in this order:
//
//	a run has died, or left MySQL down ──► bring MySQL up: with the job, or from the record if its file is broken
//	artifacts wait for a target        ──► ship them, the oldest first, when the next try is due
//
// Each job has a goroutine of its own, so that a transfer of hours at one job keeps no other server down; a few transfers go on
// at once. A job that a command line works on is left to it. What cannot be done is tried again, later each time.
//
// Job files are read at the start and whenever Reload says so. A file with a mistake changes nothing: the jobs that were
// read from it last stay.
package daemon
