package instance

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// DownError says that the server is not up and could not be brought up. It carries what a person on this host needs.
type DownError struct {
	Err     error
	DataDir string
	LogTail string   // the last lines of the server's or its service manager's log; may be empty
	Manual  []string // commands to type on this host
}

// Error returns one line; LogTail and Manual are for whoever prints it to a person.
func (e *DownError) Error() string { return "the server is down: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *DownError) Unwrap() error { return e.Err }

// Start brings the server up and returns when it answers a query. It waits for a server that is still stopping, starts
// one only while nobody holds the data directory, and at most once. The bound is start_timeout, and stop_timeout on top
// when a server is stopping. Its error is a *DownError.
func (i *Instance) Start(ctx context.Context) error {
	limit := i.StartTimeout
	if i.stopping != 0 {
		limit += i.StopTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer to a query within %s", limit))
	defer cancel()
	s := start{Instance: i}
	for {
		up, err := s.look(ctx)
		if up {
			i.stopping = 0
			return nil
		}
		if err == nil {
			err = i.poll(ctx)
		}
		if err != nil {
			return i.down(errors.Join(err, s.lastPing))
		}
	}
}

// MayBeStopping says that somebody asked the server of this PID to stop and did not wait for the outcome: a run that
// died. Start then trusts its answers only after a while. 0 is nobody.
func (i *Instance) MayBeStopping(pid int) { i.stopping = pid }

// start is the state of one Start.
type start struct {
	*Instance
	launched bool
	ended    time.Time // when the start command was first seen ended with no server in sight
	answered time.Time // since when a server that was asked to stop has answered
	lastPing error
}

// look looks once, and launches the server when nobody holds the data directory.
func (s *start) look(ctx context.Context) (up bool, err error) {
	pid, err := s.Holder()
	if err != nil {
		return false, fmt.Errorf("data directory %s: %w", s.DataDir, err)
	}
	switch {
	case pid != 0:
		up = s.ask(ctx, pid)
		if up && s.launched {
			s.withdraw(ctx, pid)
		}
		return up, nil
	case !s.launched:
		s.launched = true
		if err := s.Service.Start(ctx); err != nil {
			return false, fmt.Errorf("start the server: %w", err)
		}
		return false, nil
	}
	return false, s.vanished(ctx)
}

// ask asks the server that holds the data directory for an answer.
func (s *start) ask(ctx context.Context, pid int) bool {
	s.ended = time.Time{}
	s.lastPing = s.Answers(ctx)
	if s.lastPing != nil {
		s.answered = time.Time{}
		return false
	}
	if pid != s.stopping {
		return true
	}
	if s.answered.IsZero() {
		s.answered = time.Now()
	}
	return time.Since(s.answered) >= settle
}

// vanished fails when the launched server is gone for good.
func (s *start) vanished(ctx context.Context) error {
	running, err := s.Service.Running(ctx)
	if err != nil || running {
		s.ended = time.Time{}
		return nil // not known for sure: the deadline decides
	}
	if s.ended.IsZero() {
		s.ended = time.Now()
	}
	if time.Since(s.ended) < grace {
		return nil
	}
	return errors.New("the start command has ended and no server holds the data directory")
}

func (i *Instance) down(err error) error {
	return &DownError{Err: err, DataDir: i.DataDir, LogTail: i.LogTail(), Manual: i.Manual()}
}
