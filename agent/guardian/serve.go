package guardian

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// Reason says why a guardian acts.
type Reason struct {
	Text string
	// Stuck says that the agent was sent SIGKILL and is not gone yet: the kernel holds it in some call, it will not do
	// anything any more, but its locks may still be there.
	Stuck bool
}

const (
	longestTick = time.Second
	// deathLimit bounds the wait for an agent that was ended: one that hangs in the kernel is not waited for.
	deathLimit = 30 * time.Second
)

// Serve is the life of a guardian process: in and out are the pipes from and to the agent. It returns nil when it was
// disarmed, and what rescue returns when it had to act. When the agent dies before the order is complete, nothing has been
// stopped yet, and it only ends.
func Serve(ctx context.Context, in io.Reader, out io.Writer, log *slog.Logger,
	rescue func(context.Context, Order, Reason) error) error {
	r := bufio.NewReader(io.LimitReader(in, maxOrder))
	line, err := r.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	order, err := ParseOrder(line)
	if err != nil {
		fmt.Fprintln(out, err)
		return err
	}
	w := &watch{order: order, log: log.With("run", order.Run, "agent", order.Agent), words: make(chan string)}
	if os.Getppid() == order.Agent {
		w.agent, _ = os.FindProcess(order.Agent) // a handle: the number may belong to somebody else later
	}
	go w.read(r, in)
	if _, err := fmt.Fprintln(out, wordReady); err != nil {
		w.log.Warn("tell the agent", "error", err) // it has died: the end of the pipe says so, too
	}
	w.log.Info("watching over MySQL", "silence", order.Silence, "deadline", order.Deadline)
	why := w.watch()
	if why == nil {
		w.log.Info("the run needs no guardian any more")
		return nil
	}
	w.log.Warn("bringing MySQL up: " + why.Text)
	if err := rescue(ctx, order, *why); err != nil {
		return fmt.Errorf("bring MySQL up for run %s: %w", order.Run, err)
	}
	return nil
}

// watch is what a guardian does while the agent lives.
type watch struct {
	order Order
	log   *slog.Logger
	agent *os.Process // nil when it could not be told for sure
	words chan string // from the agent; closed at the end of the pipe
}

// read passes words on. It ends with the pipe, that is with the agent, or with this process.
func (w *watch) read(buffered *bufio.Reader, in io.Reader) {
	defer close(w.words)
	rest := io.LimitReader(buffered, int64(buffered.Buffered()))
	for lines := bufio.NewScanner(io.MultiReader(rest, in)); lines.Scan(); {
		w.words <- lines.Text()
	}
}

// watch returns why it is time to act; nil when it was disarmed. Only time that was seen passing counts, in small
// steps: after the host or this process was frozen, the agent gets its chance to go on.
func (w *watch) watch() *Reason {
	step := min(longestTick, max(w.order.Silence/20, time.Millisecond))
	tick := time.NewTicker(step)
	defer tick.Stop()
	var silent, total time.Duration
	last := time.Now()
	for {
		select {
		case word, open := <-w.words:
			switch {
			case !open:
				return &Reason{Text: "the agent died"}
			case word == wordDisarm:
				return nil
			case word == wordBeat:
				silent = 0
			}
			continue
		case <-tick.C:
		}
		passed := min(time.Since(last), 2*step)
		last = time.Now()
		silent, total = silent+passed, total+passed
		switch {
		case w.order.Deadline > 0 && total >= w.order.Deadline:
			return w.end(fmt.Sprintf("the agent has not brought it up within %s", w.order.Deadline))
		case silent >= w.order.Silence:
			return w.end(fmt.Sprintf("the agent has shown no progress for %s", w.order.Silence))
		}
	}
}

// end kills an agent that lives, and waits until the kernel has closed its files, and so its locks.
func (w *watch) end(text string) *Reason {
	if w.agent != nil {
		w.log.Warn("ending the agent: "+text, "error", w.agent.Kill())
	}
	limit := time.After(deathLimit)
	for {
		select {
		case word, open := <-w.words:
			switch {
			case !open:
				return &Reason{Text: text + ", and was ended"}
			case word == wordDisarm:
				return nil // it was just in time
			}
		case <-limit:
			return &Reason{Text: text, Stuck: true}
		}
	}
}
