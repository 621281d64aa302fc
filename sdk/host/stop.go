package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
)

// How long each step of a stop may take.
const (
	askWait  = 4 * time.Second // for the Stop call: the provider ends its calls and closes
	exitWait = 2 * time.Second // for the process to end by itself after that
	termWait = time.Second     // after SIGTERM
	reapWait = 5 * time.Second // after SIGKILL, and for the end to be seen
)

// Stop ends the process: it asks, waits a little, sends SIGTERM and then SIGKILL to the group. When it returns nil, the
// process is reaped, no child of it in its group lives, and its sockets are gone. Once ctx has ended, it goes straight to
// SIGKILL. An error means that the kernel does not let go of the process. A second call returns the first one's result;
// calls that are running fail. Every started process needs a Stop, also one that has died.
func (p *Process) Stop(ctx context.Context) error {
	p.stopOnce.Do(func() { p.stopErr = p.stop(ctx) })
	return p.stopErr
}

// Kill ends a process that is of no use any more, such as one that does not answer, at once. Unlike after a Stop, Err
// says how it ended, with the reason. The process still needs a Stop.
func (p *Process) Kill(reason string) {
	p.mu.Lock()
	r := p.runner
	if p.killed == "" {
		p.killed = reason
	}
	p.mu.Unlock()
	if r != nil {
		r.kill()
	}
}

func (p *Process) stop(ctx context.Context) error {
	p.mu.Lock()
	p.stopping = true
	r := p.runner
	p.mu.Unlock()
	var err error
	if r != nil && r.pid() != 0 {
		err = p.end(ctx, r)
	}
	p.cancel()
	if p.conn != nil {
		_ = p.conn.Close() // go-plugin has closed it, unless the process hangs
	}
	p.background.Wait()
	return errors.Join(err, p.removeDir())
}

// end takes the process through the steps until it is gone.
func (p *Process) end(ctx context.Context, r *childRunner) error {
	p.ask(ctx)
	released := make(chan struct{})
	go func() { // go-plugin's own end: without a deadline, so it gets one here
		defer close(released)
		p.client.Kill()
	}()
	if !p.endsWithin(ctx, exitWait) {
		r.terminate()
		if !p.endsWithin(ctx, termWait) {
			r.kill()
		}
	}
	limit := time.NewTimer(reapWait)
	defer limit.Stop()
	for _, event := range []<-chan struct{}{p.done, released} {
		select {
		case <-event:
		case <-limit.C:
			return fmt.Errorf("stop %s plugin %q: process %d does not end", p.command.Kind, p.command.Name, r.pid())
		}
	}
	return nil
}

// ask makes the Stop call. Its error does not matter: the process is ended in any case.
func (p *Process) ask(ctx context.Context) {
	select {
	case <-p.done:
		return
	case <-ctx.Done():
		return
	default:
	}
	if p.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	_, _ = pb.NewProviderClient(p.conn).Stop(ctx, &pb.StopRequest{})
}

// endsWithin waits for the end of the process, no longer than d and not after ctx.
func (p *Process) endsWithin(ctx context.Context, d time.Duration) bool {
	select {
	case <-p.done:
		return true
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return false
	}
}

// discard ends a process that never became usable.
func (p *Process) discard() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // straight to the kill
	_ = p.Stop(ctx)
}

// removeDir removes the private directory with sockets and pipes.
func (p *Process) removeDir() error {
	p.mu.Lock()
	dir := p.dir
	p.mu.Unlock()
	if dir == "" {
		return nil
	}
	return os.RemoveAll(dir)
}
