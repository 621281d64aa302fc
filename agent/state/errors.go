package state

import (
	"errors"
	"fmt"
)

// Sentinels for callers that branch.
var (
	ErrLocked   = errors.New("job is locked")                    // another process holds the file; see LockedError
	ErrDamaged  = errors.New("state file is damaged")            // see DamagedError
	ErrNewer    = errors.New("state file is of a newer drydock") // written by a later version
	ErrNotFound = errors.New("not found")                        // no such run or target
	ErrExists   = errors.New("exists already")                   // a run of this id
)

// LockedError says who holds a job's file.
type LockedError struct {
	Path   string
	Holder Holder // zero when unknown
}

// Error names the holder.
func (e *LockedError) Error() string {
	if e.Holder.PID == 0 {
		return fmt.Sprintf("open state %q: in use by another process", e.Path)
	}
	return fmt.Sprintf("open state %q: in use by %s", e.Path, e.Holder)
}

// Is makes errors.Is find ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// DamagedError says that a file cannot be read for what it holds. The file was not changed.
type DamagedError struct {
	Path string
	Err  error
}

// Error says what is wrong and what a person can do.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("open state %q: damaged: %v; the file was left as it is: make sure that the database server is up, then"+
		" move the file aside, and the next run begins a new one", e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *DamagedError) Unwrap() error { return e.Err }

// Is makes errors.Is find ErrDamaged.
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }
