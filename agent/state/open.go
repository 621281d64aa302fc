package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/drydock-backup/drydock/agent/fault"
)

const (
	dirMode  = 0o700
	fileMode = 0o600

	lockPoll    = 20 * time.Millisecond
	defaultWait = 10 * time.Second
)

// Store is one job's file, and the job's lock. Its methods may be called from several goroutines at once.
type Store struct {
	path     string
	db       *bolt.DB
	readOnly bool
	holder   Holder // this process, unless readOnly
	copied   string // the file is a copy, to be removed in the end; see Look
	closing  sync.Once
}

// Open opens a job's file, makes it where there is none, and holds the job's lock until Close. While another process
// holds it, Open waits until ctx ends (10 seconds when ctx has no deadline) and then returns a *LockedError. A file that
// cannot be trusted is a *DamagedError or ErrNewer, and is never changed. See Path for a job's path.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := create(path); err != nil {
		return nil, err
	}
	ctx, cancel := boundedWait(ctx)
	defer cancel()
	// Looked at through a read-only map first: opening for writing trusts the free list, and may write.
	s, err := openChecked(ctx, path, true)
	if err == nil {
		err = s.Close()
	}
	if err == nil {
		s, err = openChecked(ctx, path, false)
	}
	if err != nil {
		return nil, err
	}
	if err := fault.Around("state.holder", s.hold); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// OpenReadOnly opens a job's file to look at it. It shares the lock with other readers and, like Open, waits for a
// process that is running the job. A missing file is fs.ErrNotExist. Methods that change something fail.
func OpenReadOnly(ctx context.Context, path string) (*Store, error) {
	ctx, cancel := boundedWait(ctx)
	defer cancel()
	return openChecked(ctx, path, true)
}

func boundedWait(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, defaultWait)
}

// openChecked opens the file once the lock is free, and checks that it can be trusted.
func openChecked(ctx context.Context, path string, readOnly bool) (*Store, error) {
	for {
		s, err := openOnce(path, readOnly)
		if !errors.Is(err, berrors.ErrTimeout) {
			return s, err
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return nil, &LockedError{Path: path, Holder: HolderOf(path)}
		}
	}
}

func openOnce(path string, readOnly bool) (*Store, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	} else if info.Size() == 0 {
		return nil, &DamagedError{Path: path, Err: errors.New("the file is empty")} // bbolt would take it for a new one
	}
	var file *os.File
	s := &Store{path: path, readOnly: readOnly}
	err := guarded(func() (err error) {
		s.db, err = bolt.Open(path, fileMode, &bolt.Options{
			Timeout:  time.Nanosecond, // one try; the waiting is done above, where ctx counts
			ReadOnly: readOnly,
			OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
				file, err = os.OpenFile(name, flag&^os.O_CREATE, mode)
				return file, err
			},
		})
		return err
	})
	var system syscall.Errno
	switch {
	case errors.Is(err, berrors.ErrTimeout), errors.As(err, &system):
		return nil, fmt.Errorf("open state: %w", err)
	case err != nil:
		if file != nil {
			_ = file.Close() // after a panic within bbolt; it holds the lock
		}
		return nil, &DamagedError{Path: path, Err: err}
	}
	if err := s.check(); err != nil {
		_ = s.db.Close() // what is wrong with it is known already
		return nil, err
	}
	return s, nil
}

// Path returns the file's path.
func (s *Store) Path() string { return s.path }

// Close gives the lock back. A second Close does nothing.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		if !s.readOnly {
			err = errors.Join(removeHolder(s.path), forgetRequests(s.path)) // before the lock goes: the next holder writes its own
		}
		if closeErr := s.db.Close(); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("close state: %w", closeErr))
		}
		if s.copied != "" {
			err = errors.Join(err, os.Remove(s.copied))
		}
	})
	return err
}
