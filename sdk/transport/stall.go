package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// ErrStalled says that nothing moved for too long.
var ErrStalled = errors.New("the transfer stands still")

// watch ends a request when nothing moves. It only runs while it is the network that has to do something: not while a
// bandwidth limit or a slow reader holds the request up.
type watch struct {
	limit  time.Duration
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	timer   *time.Timer
	stalled bool
	ended   bool
}

func newWatch(limit time.Duration, cancel context.CancelCauseFunc) *watch {
	w := &watch{limit: limit, cancel: cancel}
	w.timer = time.AfterFunc(limit, w.fire)
	w.timer.Stop()
	return w
}

func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	w.stalled = true
	w.cancel(ErrStalled)
}

// run starts the clock anew.
func (w *watch) run() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.timer.Reset(w.limit)
	}
}

// rest stops the clock.
func (w *watch) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
}

// end is the end of the request; it may be called more than once.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.timer.Stop()
	w.cancel(nil)
}

// reason replaces the error of a request that the watch has ended.
func (w *watch) reason(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stalled && err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: no byte within %s", ErrStalled, w.limit)
	}
	return err
}

// upload is a request's body. Between two reads the transport sends what it got.
type upload struct {
	ctx   context.Context
	body  io.ReadCloser
	watch *watch
	limit *rate.Limiter
}

func (u *upload) Read(p []byte) (int, error) {
	u.watch.rest()
	n, err := u.body.Read(portion(p, u.limit))
	if n > 0 && u.limit != nil {
		if errWait := u.limit.WaitN(u.ctx, n); errWait != nil {
			return 0, errWait
		}
	}
	if err == nil {
		u.watch.run()
	}
	return n, err
}

func (u *upload) Close() error {
	u.watch.rest()
	return u.body.Close()
}

// download is an answer's body.
type download struct {
	ctx   context.Context
	body  io.ReadCloser
	watch *watch
	limit *rate.Limiter
}

func (d *download) Read(p []byte) (int, error) {
	d.watch.run()
	n, err := d.body.Read(portion(p, d.limit))
	d.watch.rest()
	if n > 0 && d.limit != nil {
		if errWait := d.limit.WaitN(d.ctx, n); errWait != nil && err == nil {
			err = errWait
		}
	}
	return n, d.watch.reason(err)
}

func (d *download) Close() error {
	err := d.body.Close()
	d.watch.end()
	return err
}

// portion is as much of p as a limiter lets pass at once.
func portion(p []byte, l *rate.Limiter) []byte {
	if l != nil && len(p) > l.Burst() {
		return p[:l.Burst()]
	}
	return p
}
