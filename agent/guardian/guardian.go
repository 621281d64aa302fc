package guardian

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

const (
	// mostReplacements bounds how often a guardian that was killed is replaced in one run; whoever kills that often
	// means it, and the run ends.
	mostReplacements = 20
	replaceTries     = 4
	replaceWait      = 250 * time.Millisecond
	beatEvery        = time.Second
)

// Options say how a guardian is started.
type Options struct {
	Command []string // makes this program call Serve with its standard input and output
	Log     *slog.Logger
	// Lost is called once, from another goroutine, when the guardian died and no other could be started: the server must
	// be brought up now.
	Lost func(error)
}

// Guardian is the agent's end of a guardian. Its methods may be called from several goroutines.
type Guardian struct {
	o     Options
	order Order
	armed time.Time

	beats    chan struct{} // capacity 1
	released chan struct{} // closed by Disarm
	once     sync.Once
	done     chan struct{} // closed when no process is left

	mu  sync.Mutex
	pid int
}

// Arm starts a guardian and returns when it is ready to act. From then on it is replaced when it dies, until Disarm.
func Arm(ctx context.Context, o Options, order Order) (*Guardian, error) {
	if len(o.Command) == 0 {
		return nil, errors.New("start the guardian: no command")
	}
	order.Agent = os.Getpid()
	g := &Guardian{o: o, order: order, armed: time.Now(),
		beats: make(chan struct{}, 1), released: make(chan struct{}), done: make(chan struct{})}
	p, err := launch(ctx, o, order)
	if err != nil {
		return nil, fmt.Errorf("start the guardian: %w", err)
	}
	g.setPID(p)
	go g.keep(context.WithoutCancel(ctx), p) // Disarm waits for it
	return g, nil
}

// Beat says that the run has moved. It never waits.
func (g *Guardian) Beat() {
	select {
	case g.beats <- struct{}{}:
	default:
	}
}

// PID returns the process that watches at the moment.
func (g *Guardian) PID() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pid
}

func (g *Guardian) setPID(p *process) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pid = p.cmd.Process.Pid
}

// Disarm ends the guardian and returns when its process is gone: it will not start anything any more. Its own bounds are
// below a minute; it ends what does not end by itself. A second call does nothing.
func (g *Guardian) Disarm() {
	g.once.Do(func() { close(g.released) })
	<-g.done
}

// keep watches the guardian until it is disarmed, and replaces it when it dies.
func (g *Guardian) keep(ctx context.Context, p *process) {
	defer close(g.done)
	for n := 0; !g.attend(p); n++ {
		g.o.Log.Warn("the guardian died; starting another one", "process", p.cmd.Process.Pid)
		var err error
		if p, err = g.replace(ctx, n); err != nil {
			g.o.Lost(fmt.Errorf("replace the guardian: %w", err))
			return
		}
		if p == nil {
			return // disarmed meanwhile
		}
		g.setPID(p)
	}
}

// attend passes beats on until the guardian is disarmed, or has died.
func (g *Guardian) attend(p *process) (disarmed bool) {
	last := time.Time{}
	for {
		select {
		case <-g.released:
			p.disarm()
			return true
		case <-p.exited:
			_ = p.orders.Close()
			return false
		case <-g.beats:
		}
		if time.Since(last) < beatEvery {
			continue
		}
		last = time.Now()
		if err := p.tell(wordBeat); err != nil {
			g.o.Log.Warn("the guardian does not listen; ending it", "process", p.cmd.Process.Pid, "error", err)
			p.kill()
			return false
		}
	}
}

// replace starts the next guardian, with what is left of the deadline. It returns nil when it is no longer wanted.
func (g *Guardian) replace(ctx context.Context, n int) (*process, error) {
	if n >= mostReplacements {
		return nil, fmt.Errorf("%d have died", n+1)
	}
	order := g.order
	if order.Deadline > 0 {
		order.Deadline = max(order.Deadline-time.Since(g.armed), time.Second)
	}
	var last error
	for try := range replaceTries {
		select {
		case <-g.released:
			return nil, nil
		case <-time.After(replaceWait * time.Duration(try)):
		}
		p, err := launch(ctx, g.o, order)
		if err == nil {
			return p, nil
		}
		last = err
	}
	return nil, last
}
