package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/errs"
)

const (
	startWindow = 500 * time.Millisecond
	// errorLines is how many lines of the log an error quotes.
	errorLines = 12
	// killDelay is how long a stop command whose time is up may take to end after it was killed.
	killDelay = 2 * time.Second
	// launchPatience is how long a start command may take until its server holds the data directory.
	launchPatience = 30 * time.Second
)

// ErrUnderWay is in the chain of the error of Start when a start command that was launched a moment ago, by whomever, still
// runs: its server may not hold the data directory yet. Nothing was launched; look again. It ceases by itself, at
// the latest when half of the time until the deadline of Start's context has passed.
var ErrUnderWay = errors.New("a start command that was launched a moment ago still runs")

// command is a server that is started, and maybe stopped, by commands.
type command struct {
	start, stop []string
	log, lock   string
	window      time.Duration
	patience    time.Duration // with a launch that somebody else has begun

	mu      sync.Mutex
	current *launched // nil until Start was called
}

// launched is a start command under way. err may be read once ended is closed.
type launched struct {
	process *os.Process
	ended   chan struct{}
	err     error
}

func (l *launched) over() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// kill ends the command with all that it started in its process group.
func (l *launched) kill() {
	killGroup(l.process)
	select {
	case <-l.ended:
	case <-time.After(killDelay):
	}
}

func newCommand(s job.Service, o Options) (Manager, error) {
	if len(s.Start) == 0 {
		return nil, errs.New(errs.Invalid, "service \"exec\": start is empty")
	}
	if o.LogDir == "" || o.Name == "" || o.Name != filepath.Base(o.Name) {
		return nil, errs.New(errs.Invalid, "service \"exec\": no place for the log (directory %q, name %q)", o.LogDir, o.Name)
	}
	base := filepath.Join(o.LogDir, o.Name)
	return &command{
		start: s.Start, stop: s.Stop, log: base + ".start.log", lock: base + ".start.lock",
		window: cmp.Or(o.StartWindow, startWindow), patience: cmp.Or(o.LaunchPatience, launchPatience),
	}, nil
}

// Start launches the start command and watches it for a moment: a command that fails at once is reported with the end
// of its log. One that goes on, or has ended well, is left alone; ctx ends the watching, never the command.
func (c *command) Start(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("start command %s: %w", c.start[0], err)
	}
	cmd, err := c.prepare(ctx, c.start)
	if err != nil {
		return err
	}
	lock, err := c.lockLaunch(ctx, cmd)
	if err != nil {
		return errors.Join(fmt.Errorf("start command %s: %w", c.start[0], err), closeLog(cmd))
	}
	if lock != nil {
		defer lock.Close() // the start command has its own descriptor
	}
	var run *launched
	err = fault.Around("service.start", func() (err error) {
		run, err = launch(cmd)
		return err
	})
	if err != nil {
		return c.failed("start", c.start, err)
	}
	c.mu.Lock()
	c.current = run
	c.mu.Unlock()
	window := time.NewTimer(c.window)
	defer window.Stop()
	select {
	case <-run.ended:
		return c.failed("start", c.start, run.err)
	case <-window.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("watch start command %s: %w", c.start[0], context.Cause(ctx))
	}
}

// prepare builds a detached command whose output goes to the log. The end of ctx does not end the command.
func (c *command) prepare(ctx context.Context, argv []string) (*exec.Cmd, error) {
	log, err := c.openLog()
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", argv[0], err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	Detach(cmd)
	return cmd, nil
}

// openLog opens the log. A disk that is full or broken must not keep a server down: without a log, it is started all the
// same.
func (c *command) openLog() (*os.File, error) {
	err := os.MkdirAll(filepath.Dir(c.log), 0o700)
	if err == nil {
		var log *os.File
		if log, err = os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
			return log, nil
		}
	}
	null, nullErr := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if nullErr != nil {
		return nil, errors.Join(err, nullErr)
	}
	return null, nil
}

// launch starts a command and takes over its log file. The goroutine reaps it, so that it leaves no zombie. Nobody
// waits for the goroutine: it ends with the command, and a server in the foreground is meant to outlive the agent.
func launch(cmd *exec.Cmd) (*launched, error) {
	err := cmd.Start()
	_ = closeLog(cmd) // the child has its own descriptor
	if err != nil {
		return nil, err
	}
	run := &launched{process: cmd.Process, ended: make(chan struct{})}
	go func() {
		run.err = cmd.Wait()
		close(run.ended)
	}()
	return run, nil
}

func closeLog(cmd *exec.Cmd) error {
	if log, ok := cmd.Stdout.(*os.File); ok {
		return log.Close()
	}
	return nil
}

// failed says what became of a command, with the end of its log. It returns nil for a command that ended well.
func (c *command) failed(what string, argv []string, err error) error {
	if err == nil {
		return nil
	}
	kind := errs.Permanent
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		kind = errs.NotFound
	case errors.Is(err, fs.ErrPermission):
		kind = errs.Permission
	}
	if tail := c.LogTail(errorLines); tail != "" {
		err = fmt.Errorf("%w; the end of %s:\n%s", err, c.log, tail)
	}
	return errs.Wrap(kind, err, "%s command %s", what, argv[0])
}

// Stop runs the stop command, if there is one. When ctx ends, the command is killed with all that it started, and the
// server may be stopping all the same.
func (c *command) Stop(ctx context.Context) (handled bool, err error) {
	if len(c.stop) == 0 {
		return false, nil
	}
	cmd, err := c.prepare(ctx, c.stop)
	if err != nil {
		return true, err
	}
	var run *launched
	err = fault.Around("service.stop", func() (err error) {
		run, err = launch(cmd)
		return err
	})
	if err != nil {
		return true, c.failed("stop", c.stop, err)
	}
	select {
	case <-run.ended:
		return true, c.failed("stop", c.stop, run.err)
	case <-ctx.Done():
	}
	run.kill()
	return true, errs.Wrap(errs.Transient, context.Cause(ctx), "stop command %s did not end in time", c.stop[0])
}

// Check makes sure that the commands are there and may be executed.
func (c *command) Check(context.Context) error {
	for _, argv := range [][]string{c.start, c.stop} {
		if len(argv) == 0 {
			continue
		}
		if _, err := exec.LookPath(argv[0]); err != nil {
			kind := errs.NotFound
			if errors.Is(err, fs.ErrPermission) {
				kind = errs.Permission
			}
			return errs.Wrap(kind, err, "look for command %s", argv[0])
		}
	}
	return nil
}

// Running reports whether the start command that this Manager launched still runs.
func (c *command) Running(context.Context) (bool, error) { return c.Launched() != 0, nil }

// Launched implements Launcher.
func (c *command) Launched() int {
	c.mu.Lock()
	run := c.current
	c.mu.Unlock()
	if run == nil || run.over() {
		return 0
	}
	return run.process.Pid
}

// Abandon implements Launcher.
func (c *command) Abandon() {
	c.mu.Lock()
	run := c.current
	c.mu.Unlock()
	if run != nil && !run.over() {
		run.kill()
	}
}

// Manual quotes the start command for a shell.
func (c *command) Manual() []string {
	words := make([]string, len(c.start))
	for i, w := range c.start {
		words[i] = Quote(w)
	}
	log := Quote(c.log)
	return []string{manualStart(strings.Join(words, " "), log), Look(c.log)}
}

// Look is the command with which a person reads the end of a log.
func Look(path string) string { return manualLook(Quote(path)) }

// LogTail returns the last n lines of the log.
func (c *command) LogTail(n int) string {
	tail, err := Tail(c.log, n)
	if err != nil {
		return ""
	}
	return tail
}
