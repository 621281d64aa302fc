package store

import (
	"context"
	"path"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// work is what one call does at the server. It runs on a goroutine of its own, because requests of SFTP cannot be
// cancelled: the caller goes when its context ends, the work goes at its next step. So everything that the work has opened
// or locked is given back by the work itself.
type work struct {
	*session
	ctx      context.Context
	base     string
	timeout  time.Duration
	watchdog *time.Timer // closes the connection when a step takes too long
}

// step is called before each request, or before a few that belong together. It reports whether the caller still waits.
func (w *work) step() error {
	w.watchdog.Reset(w.timeout)
	return w.ctx.Err()
}

// rest stops the watchdog: what follows waits for something else than the server.
func (w *work) rest() { w.watchdog.Stop() }

// at returns the path on the server of what lies below the directory.
func (w *work) at(name string) string { return path.Join(w.base, name) }

// start runs f and returns where its error will appear.
func (s *Store) start(ctx context.Context, f func(w *work) error) <-chan error {
	done := make(chan error, 1)
	if err := ctx.Err(); err != nil {
		done <- err
		return done
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		done <- errClosed
		return done
	}
	s.works.Go(func() {
		c, err := s.connect(ctx)
		if err != nil {
			done <- err
			return
		}
		w := &work{session: c, ctx: ctx, base: s.base, timeout: s.dialer.timeout,
			watchdog: time.AfterFunc(s.dialer.timeout, func() { s.drop(c) })}
		defer w.watchdog.Stop()
		err = f(w)
		if kindOf(err) == errs.Transient { // the connection is of no use any more
			s.drop(c)
		}
		done <- err
	})
	return done
}

// do runs f and waits for it, or for the end of ctx.
func (s *Store) do(ctx context.Context, f func(w *work) error) error {
	select {
	case err := <-s.start(ctx, f):
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
