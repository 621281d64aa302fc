package instance

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrLocked is in the chain of the error of a data directory that another run works on.
var ErrLocked = errors.New("another drydock run works on this data directory")

// Lock makes sure that only one run works on a data directory at a time, whatever job, state directory or user it has.
// The lock ends with the process that took it, so it is never stale. Release gives it back.
type Lock struct{ release func() error }

// Release gives the lock back.
func (l *Lock) Release() error { return l.release() }

// LockDataDir takes the lock of a data directory, and waits for it until ctx ends. Its error is ErrLocked with the
// holder named when another run has it.
func LockDataDir(ctx context.Context, dir string) (*Lock, error) {
	for {
		release, err := tryLock(dir)
		if err == nil {
			return &Lock{release: release}, nil
		}
		if !errors.Is(err, ErrLocked) {
			return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
		case <-time.After(pollEvery):
		}
	}
}
