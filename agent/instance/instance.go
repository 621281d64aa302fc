package instance

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/service"
)

// Server is the SQL side of the instance.
type Server interface {
	Ping(ctx context.Context) error
	Shutdown(ctx context.Context) error
}

// Service starts and stops the server through the host.
type Service interface {
	Start(ctx context.Context) error
	// Stop reports whether the host has a way of its own to stop the server; when not, SQL SHUTDOWN is used.
	Stop(ctx context.Context) (handled bool, err error)
	Running(ctx context.Context) (bool, error)
	Manual() []string
	LogTail(n int) string
}

// Instance is one server on this host. Set its fields once; its methods are for one goroutine at a time.
type Instance struct {
	Server       Server
	Service      Service
	DataDir      string
	ErrorLog     string // of the server, absolute or relative to DataDir; "" when it is not known
	StopTimeout  time.Duration
	StartTimeout time.Duration
	Log          *slog.Logger

	stopping   int       // PID of a server that was asked to stop; 0 when none was
	askedUntil time.Time // until when it may yet be asked by somebody else; zero when by nobody
}

const (
	pollEvery = 50 * time.Millisecond
	pingLimit = 5 * time.Second
	// settle is how long a server that was asked to stop must go on answering until it counts as not stopping.
	settle = 3 * time.Second
	// grace is how long a start command may have ended, with no server in sight, until that counts as a failed start:
	// a command that daemonises may need a moment to get its server to the data directory.
	grace = 10 * time.Second
	// tailLines is how many lines of the server's log an error quotes.
	tailLines = 20
)

// Holder returns the PID of the process that holds the data directory; 0 when nobody does.
func (i *Instance) Holder() (int, error) { return mysql.Holder(i.DataDir) }

// Answers reports whether a query is answered within a few seconds; nil when so.
func (i *Instance) Answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	return fault.Around("instance.answers", func() error { return i.Server.Ping(ctx) })
}

// Manual returns the commands that a person on this host would type to start the server and to look why it does not.
func (i *Instance) Manual() []string {
	commands := i.Service.Manual()
	if path := i.errorLog(); path != "" {
		commands = append(commands, service.Look(path))
	}
	return commands
}

// errorLog is the path of the server's own log; "" when it is not known.
func (i *Instance) errorLog() string {
	if i.ErrorLog == "" || filepath.IsAbs(i.ErrorLog) {
		return i.ErrorLog
	}
	return filepath.Join(i.DataDir, i.ErrorLog)
}

// LogTail returns the last lines that the server and its service manager wrote.
func (i *Instance) LogTail() string {
	tail := i.Service.LogTail(tailLines)
	path := i.errorLog()
	if path == "" {
		return tail
	}
	own, err := service.Tail(path, tailLines)
	if err != nil {
		own = err.Error() // what cannot be read is worth knowing, too
	}
	return strings.TrimSpace(tail + "\n" + own)
}

// CanManage finds out, without changing anything, whether the host will be able to start the server again.
func (i *Instance) CanManage(ctx context.Context) error {
	if c, ok := i.Service.(service.Checker); ok {
		return c.Check(ctx)
	}
	return nil
}

func (i *Instance) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// Meddler names who could change files of the server while it is down: a process that holds the data directory, or has
// a file there or at one of the outside paths open for writing. "" is nobody.
func (i *Instance) Meddler(outside []string) (who string, err error) {
	pid, err := i.Holder()
	if err != nil {
		return "", err
	}
	file := i.DataDir
	if pid == 0 {
		pid, file = mysql.Writer(outside)
	}
	if pid == 0 {
		return "", nil
	}
	return fmt.Sprintf("%s works on %s", mysql.ProcessName(pid), file), nil
}
