package host

import (
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// ExitError says how a provider process ended that should not have ended.
type ExitError struct {
	Kind, Name string
	PID        int
	State      string   // "exit status 2", "signal: killed"
	Lines      []string // what it said last on standard error; of a panic, how it began
}

// Error returns one line that says what ended and how, followed by the last lines, indented.
func (e *ExitError) Error() string {
	text := fmt.Sprintf("%s plugin %q (process %d) died: %s", e.Kind, e.Name, e.PID, e.State)
	if len(e.Lines) == 0 {
		return text
	}
	return text + ": " + strings.Join(e.Lines, "\n\t")
}

// exited is called once, when the process was reaped and its standard error is read to the end.
func (p *Process) exited(state *os.ProcessState) {
	p.mu.Lock()
	if !p.stopping {
		p.exit = p.exitErrorLocked(state)
	}
	p.mu.Unlock()
	close(p.done)
}

func (p *Process) exitErrorLocked(state *os.ProcessState) *ExitError {
	e := &ExitError{Kind: p.command.Kind, Name: p.command.Name, PID: p.runner.pid(), State: "unknown"}
	if state != nil {
		e.State = state.String()
	}
	if p.killed != "" {
		e.State += " (" + p.killed + ")"
	}
	for _, line := range p.tail.lines() {
		e.Lines = append(e.Lines, p.hideLocked(line))
	}
	return e
}

// exitError describes the end of a process that is done.
func (p *Process) exitError() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exit != nil {
		return p.exit
	}
	return p.exitErrorLocked(p.runner.state())
}

// breakWait is how long to wait for what lies behind an error of the transport: the end of the process, or a deadline of
// the caller that the provider noticed first.
func breakWait(err error) time.Duration {
	switch status.Code(err) {
	case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded, codes.Internal:
		return reapWait
	}
	return 0
}

// broken is the error of a call that failed on the way while the process lives.
func (p *Process) broken(err error) error {
	s := status.Convert(err)
	kind := errs.Permanent
	switch s.Code() {
	case codes.Unavailable:
		kind = errs.Transient
	case codes.Unimplemented:
		kind = errs.Unsupported
	}
	return errs.New(kind, "call %s plugin %q: %s", p.command.Kind, p.command.Name, p.hide(s.Message()))
}
