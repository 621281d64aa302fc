package service

import (
	"context"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// Manager starts and stops one server. Its methods are safe for concurrent use, but it is the caller who sees to it that
// nobody starts a server whose data directory is held.
type Manager interface {
	// Start launches the server. It may return before the server answers; an error means that it will not, unless
	// ErrUnderWay is in its chain: then somebody else has launched it just now.
	Start(ctx context.Context) error
	// Stop stops the server, and may return before it is gone. handled is false when the host has no way of its own:
	// then SQL SHUTDOWN does it. After an error the server may be stopping all the same.
	Stop(ctx context.Context) (handled bool, err error)
	// Running says what the host knows: whether the start command still runs, or whether the unit is neither inactive nor
	// failed. Who holds the data directory is the better witness.
	Running(ctx context.Context) (bool, error)
	// Manual returns the commands with which a person on this host would start the server and look why it does not.
	Manual() []string
	// LogTail returns the last n lines that the start command, or the unit, has written; "" when there are none.
	LogTail(n int) string
}

// Checker is a Manager that can tell beforehand whether Start and Stop will work: both kinds can. It changes nothing.
type Checker interface {
	// Check returns an error of kind NotFound for a missing command or unit, Permission where a right is missing.
	Check(ctx context.Context) error
}

// Launcher is a Manager that launches processes of its own: the one of service "exec".
type Launcher interface {
	// Launched returns the PID of the start command that was launched last; 0 when none was, or it has ended.
	Launched() int
	// Abandon kills that start command, if it still runs, with all that it started in its process group. It is for a start
	// that hangs: nobody may hold the data directory.
	Abandon()
}

// Options places what a Manager keeps and where it looks.
type Options struct {
	LogDir string // exec: directory of the log; created with mode 0700
	Name   string // exec: name of the log, the job's name

	// StartWindow is how long exec waits for the start command to fail before Start returns; 0 means half a second.
	StartWindow time.Duration
	// LaunchPatience is how long exec gives a launch that it finds under way to lead to a server that holds its data
	// directory; 0 means 30 seconds.
	LaunchPatience time.Duration
	// Bus is the D-Bus address that systemd is reached through; "" means the system's own.
	Bus string
}

// New returns the manager that the job asks for.
func New(s job.Service, o Options) (Manager, error) {
	switch s.Kind {
	case job.ServiceExec:
		return newCommand(s, o)
	case job.ServiceSystemd:
		return newUnit(s, o)
	}
	return nil, errs.New(errs.Invalid, "service %q: there are %q and %q", s.Kind, job.ServiceExec, job.ServiceSystemd)
}
