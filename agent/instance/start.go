package instance

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/service"
)

// DownError says that the server is not up and could not be brought up. It carries what a person on this host needs.
type DownError struct {
	Err     error
	DataDir string
	Holder  int      // PID of a process that holds the data directory and does not answer; 0 when nobody does
	LogTail string   // the last lines of the server's or its service manager's log; may be empty
	Manual  []string // commands to type on this host
}

// Error returns one line; LogTail and Manual are for whoever prints it to a person.
func (e *DownError) Error() string { return "the server is down: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *DownError) Unwrap() error { return e.Err }

// Start brings the server up and returns when it answers a query. It waits for a server that is still stopping, starts
// one only while nobody holds the data directory, and at most once. The bound is start_timeout, and stop_timeout on top
// when a server is stopping. A start command that hangs does not outlive the failure. The error is a *DownError, or has
// mysql.ErrLoginRefused in its chain for a server that is up and does not let the job's user in.
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
			err = i.wait(ctx, s.pause)
		}
		if err != nil {
			return s.failed(err)
		}
	}
}

// MayBeStopping says that somebody asked the server of this PID to stop and did not wait for the outcome: a run that
// died. Start then trusts its answers only after a while, and not before until: a stop command may have been left behind
// that asks late. 0 is nobody.
func (i *Instance) MayBeStopping(pid int, until time.Time) { i.stopping, i.askedUntil = pid, until }

// start is the state of one Start.
type start struct {
	*Instance
	launched bool
	ended    time.Time // when the start command was first seen ended with no server in sight
	answered time.Time // since when a server that was asked to stop has answered
	blind    time.Time // since when nobody can tell who holds the data directory
	stranger time.Time // since when a process without a server's locks has been at the data directory
	refused  int       // logins
	pause    time.Duration
	lastPing error
	tell     sync.Once
}

// look looks once, and launches the server when nobody holds the data directory.
func (s *start) look(ctx context.Context) (up bool, err error) {
	s.pause = pollEvery
	pid, err := s.Holder()
	if err != nil {
		return false, s.cannotLook(err)
	}
	s.blind = time.Time{}
	switch {
	case pid != 0:
		up, err = s.ask(ctx, pid)
		switch {
		case up && s.launched:
			s.withdraw(ctx, pid)
		case !up && err == nil && !s.launched && s.bystander(pid):
			s.Log.Warn("starting the server beside a process that is none", "process", pid)
			return false, s.launch(ctx)
		}
		return up, err
	case !s.launched:
		return false, s.launch(ctx)
	}
	return false, s.vanished(ctx)
}

func (s *start) launch(ctx context.Context) error {
	err := s.Service.Start(ctx)
	if errors.Is(err, service.ErrUnderWay) {
		s.tell.Do(func() { s.Log.Info("waiting for the server that somebody else has just launched") })
		return nil
	}
	s.launched = true
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	return nil
}

// bystander reports whether the process at the data directory is no server: it has had files open for writing for a
// while, and none of the locks that servers take. It must not keep MySQL down; the server that is started beside it takes
// the locks, or finds out that it must not.
func (s *start) bystander(pid int) bool {
	locker, err := mysql.Locker(s.DataDir)
	if err != nil || locker != 0 || pid == s.stopping {
		s.stranger = time.Time{}
		return false
	}
	if s.stranger.IsZero() {
		s.stranger = time.Now()
	}
	return time.Since(s.stranger) >= grace
}

// cannotLook fails when it has not been possible for a while to tell who holds the data directory. Until then the server
// may be removing and renaming what is looked at.
func (s *start) cannotLook(err error) error {
	if s.blind.IsZero() {
		s.blind = time.Now()
	}
	if time.Since(s.blind) < settle {
		return nil
	}
	return fmt.Errorf("data directory %s: %w", s.DataDir, err)
}

// ask asks the server that holds the data directory for an answer. A refused login is asked for once more, not more
// often: some servers lock an account after a few.
func (s *start) ask(ctx context.Context, pid int) (up bool, err error) {
	s.ended = time.Time{}
	s.lastPing = s.Answers(ctx)
	switch {
	case errors.Is(s.lastPing, mysql.ErrLoginRefused):
		s.pause = settle
		if s.refused++; s.refused > 1 {
			return false, s.lastPing
		}
		return false, nil
	case s.lastPing != nil:
		s.answered = time.Time{}
		return false, nil
	case pid != s.stopping:
		return true, nil
	case s.answered.IsZero():
		s.answered = time.Now()
	}
	return time.Since(s.answered) >= settle && !time.Now().Before(s.askedUntil), nil
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

// failed says why the server is not up, or not known to be.
func (s *start) failed(err error) error {
	if errors.Is(s.lastPing, mysql.ErrLoginRefused) {
		s.stopping = 0
		return fmt.Errorf("the server is up, but cannot be proven to serve: %w", s.lastPing)
	}
	if hung := s.abandon(); hung != 0 {
		err = fmt.Errorf("%w; the start command (process %d) still ran, with no server in sight, and was ended", err, hung)
	}
	pid, _ := s.Holder() // when it cannot be looked at, err says so
	return &DownError{
		Err: errors.Join(err, s.lastPing), DataDir: s.DataDir, Holder: pid, LogTail: s.LogTail(), Manual: s.Manual(),
	}
}

// abandon ends a start command that hangs, so that it does not bring up a server when nobody expects one any more.
// What holds the data directory is left alone: a server may need long to recover.
func (s *start) abandon() (hung int) {
	l, ok := s.Service.(service.Launcher)
	if !ok || !s.launched {
		return 0
	}
	if locker, err := mysql.Locker(s.DataDir); locker != 0 || err != nil {
		return 0
	}
	if hung = l.Launched(); hung != 0 {
		l.Abandon()
	}
	return hung
}
