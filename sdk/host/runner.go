package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	goplugin "github.com/hashicorp/go-plugin"

	"github.com/drydock-backup/drydock/sdk/internal/handshake"
)

const (
	runnerName = "plugin"               // tells the provider's log lines from go-plugin's own
	drainWait  = 500 * time.Millisecond // for the last output after the end of the process
)

// childRunner launches and reaps one process for go-plugin. It differs from go-plugin's own: standard input is closed, the
// process leads a group that is killed as a whole, its end is seen also while a grandchild holds standard error, and it
// inherits the read end of a lifeline pipe.
type childRunner struct {
	cmd      *exec.Cmd
	stdout   *os.File
	stderr   *os.File
	lifeline *os.File // write end; closed after the process was reaped
	childs   []*os.File
	head     *head
	exited   func(*os.ProcessState)

	mu        sync.Mutex
	number    int  // process id; 0 before the start
	abandoned bool // nobody waits for the start any more

	read     chan struct{} // closed when go-plugin has read both outputs to the end
	readOnce sync.Once
	reaped   chan struct{} // closed when the process was reaped
}

// newRunner prepares the process. Ctx kills it when everything else has failed. Pinned is the open executable, or nil.
func newRunner(ctx context.Context, c Command, pinned *os.File, protocolEnv []string, dir string) (*childRunner, error) {
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	r := &childRunner{cmd: cmd, read: make(chan struct{}), reaped: make(chan struct{})}
	r.cmd.Env = append([]string(nil), c.Env...)
	for _, pair := range protocolEnv {
		if !strings.HasPrefix(pair, goplugin.EnvUnixSocketDir+"=") {
			r.cmd.Env = append(r.cmd.Env, pair)
		}
	}
	r.cmd.Env = append(r.cmd.Env, goplugin.EnvUnixSocketDir+"="+dir)
	isolate(r.cmd)
	if err := r.pipes(); err != nil {
		r.closeAll()
		return nil, err
	}
	if pinned != nil {
		if err := r.execute(pinned, c, dir); err != nil {
			r.closeAll()
			return nil, err
		}
	}
	return r, nil
}

// execute makes the process run a pinned file instead of a name. It keeps the name as its argument 0.
func (r *childRunner) execute(pinned *os.File, c Command, dir string) error {
	path, err := pinnedPath(pinned, c, 3+len(r.cmd.ExtraFiles), dir)
	if err != nil {
		return err
	}
	r.cmd.Path = path
	if runsDescriptors {
		r.cmd.ExtraFiles = append(r.cmd.ExtraFiles, pinned)
	}
	return nil
}

// pipes connects the outputs and the lifeline. They are our own pipes and not exec.Cmd's, because cmd.Wait would wait
// for whoever holds them.
func (r *childRunner) pipes() error {
	var out, errOut *os.File
	var err error
	if r.stdout, out, err = os.Pipe(); err != nil {
		return err
	}
	r.childs = append(r.childs, out)
	if r.stderr, errOut, err = os.Pipe(); err != nil {
		return err
	}
	r.childs = append(r.childs, errOut)
	r.cmd.Stdout, r.cmd.Stderr = out, errOut
	r.head = &head{ReadCloser: r.stdout}
	if !inheritsFiles {
		return nil
	}
	var end *os.File
	if end, r.lifeline, err = os.Pipe(); err != nil {
		return err
	}
	r.childs = append(r.childs, end)
	r.cmd.ExtraFiles = []*os.File{end}
	r.cmd.Env = append(r.cmd.Env, handshake.LifelineEnv+"=3")
	return nil
}

func (r *childRunner) closeAll() {
	for _, f := range append(r.childs, r.stdout, r.stderr, r.lifeline) {
		if f != nil {
			_ = f.Close()
		}
	}
	r.childs = nil
}

// Start launches the process.
func (r *childRunner) Start(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.abandoned {
		r.closeAll()
		return context.Canceled
	}
	if err := r.cmd.Start(); err != nil {
		r.closeAll()
		return r.named(err)
	}
	r.number = r.cmd.Process.Pid
	for _, f := range r.childs {
		_ = f.Close()
	}
	r.childs = nil
	go r.reap() // ends with the process
	return nil
}

// named gives an error of the launch the name that a person knows, where a descriptor's was executed.
func (r *childRunner) named(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) && at.Path == r.cmd.Path {
		return &fs.PathError{Op: at.Op, Path: r.cmd.Args[0], Err: at.Err}
	}
	return err
}

// abandon kills the process, or keeps it from being started.
func (r *childRunner) abandon() {
	r.mu.Lock()
	r.abandoned = true
	r.mu.Unlock()
	r.kill()
}

// pid is 0 before the start.
func (r *childRunner) pid() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.number
}

// reap waits for the end of the process, ends its group, and reports when its last words are read.
func (r *childRunner) reap() {
	reapGroup(r.cmd)
	close(r.reaped)
	select {
	case <-r.read:
	case <-time.After(drainWait): // somebody outside the group holds an output
	}
	_ = r.stdout.Close()
	_ = r.stderr.Close()
	if r.lifeline != nil {
		_ = r.lifeline.Close()
	}
	r.exited(r.cmd.ProcessState)
}

func (r *childRunner) state() *os.ProcessState {
	select {
	case <-r.reaped:
		return r.cmd.ProcessState
	default:
		return nil
	}
}

// Wait is called by go-plugin once both outputs have ended.
func (r *childRunner) Wait(context.Context) error {
	r.readOnce.Do(func() { close(r.read) })
	<-r.reaped
	if s := r.cmd.ProcessState; s != nil && !s.Success() {
		return fmt.Errorf("%s", s)
	}
	return nil
}

// Kill ends the process and its children.
func (r *childRunner) Kill(context.Context) error {
	r.kill()
	return nil
}

func (r *childRunner) kill() { r.signal(killGroup) }

// terminate asks the process and its children to end.
func (r *childRunner) terminate() { r.signal(terminateGroup) }

// signal acts on the group unless it is gone.
func (r *childRunner) signal(act func(pid int)) {
	pid := r.pid()
	if pid == 0 {
		return
	}
	select {
	case <-r.reaped:
	default:
		act(pid)
	}
}

// firstLine is what the process printed first on standard output.
func (r *childRunner) firstLine() string { return r.head.line() }

// Stdout is where the handshake comes from.
func (r *childRunner) Stdout() io.ReadCloser { return r.head }

// Stderr is where log lines come from.
func (r *childRunner) Stderr() io.ReadCloser { return r.stderr }

// Name marks the provider's log lines.
func (r *childRunner) Name() string { return runnerName }

// ID is the process id.
func (r *childRunner) ID() string {
	if pid := r.pid(); pid != 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

// Diagnose has nothing to add: Start's error says it.
func (r *childRunner) Diagnose(context.Context) string { return "" }

// PluginToHost returns the address as it is.
func (r *childRunner) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin returns the address as it is.
func (r *childRunner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// head remembers the beginning of a stream.
type head struct {
	io.ReadCloser
	mu    sync.Mutex
	start []byte
}

// Read reads on.
func (h *head) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.mu.Lock()
	defer h.mu.Unlock()
	if room := 200 - len(h.start); room > 0 {
		h.start = append(h.start, p[:min(n, room)]...)
	}
	return n, err
}

func (h *head) line() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	line, _, _ := strings.Cut(string(h.start), "\n")
	return strings.TrimSpace(line)
}

// isHandshake reports whether a line looks like go-plugin's handshake: core protocol, protocol, network, address, type.
func isHandshake(line string) bool {
	return strings.HasPrefix(line, "1|") && strings.Count(line, "|") >= 4
}
