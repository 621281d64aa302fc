package ship

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// lane brings chunks to one target.
type lane struct {
	s      *Shipment
	t      Target
	ctx    context.Context // ends with the shipment, or when the target has failed
	cancel context.CancelFunc
	begun  chan struct{}             // closed when begin has returned
	held   map[int]storage.ChunkInfo // what a resumed upload held; read-only once begun is closed
	stored bool                      // the object is there already; read-only once begun is closed

	// Guarded by s.mu.
	token     string
	next      int          // the first chunk that no worker has taken
	has       map[int]bool // chunks that have arrived
	bytes     int64        // that have arrived
	err       error        // why the target was given up
	committed bool
	calls     int       // tries under way
	quiet     time.Time // since when there are tries under way and none has succeeded
	failing   time.Time // the first error since the last success; zero when there was none
	dead      bool      // it has not answered when it was asked, and nothing has succeeded since

	progress sync.Mutex // one Progress call at a time
}

func newLane(s *Shipment, t Target) *lane {
	l := &lane{s: s, t: t, token: t.Token, begun: make(chan struct{}), has: map[int]bool{}}
	l.ctx, l.cancel = context.WithCancel(s.ctx)
	return l
}

// errorf says what went wrong at which target.
func (l *lane) errorf(op string, err error) error { return targetError(l.t, op, err) }

// targetError adds operation and target to an error and keeps its kind.
func targetError(t Target, op string, err error) error {
	if err == nil {
		return nil
	}
	return errs.Wrap(errs.KindOf(err), err, "%s at target %q", op, t.Label)
}

// run begins the upload and works until all chunks have arrived, the target has failed, or the shipment is stopped.
func (l *lane) run() {
	defer l.cancel()
	defer context.AfterFunc(l.ctx, l.wake)()
	err := l.begin()
	if err != nil {
		l.fail(err)
	}
	close(l.begun)
	if err != nil {
		return
	}
	var workers sync.WaitGroup
	for range l.s.o.Workers {
		workers.Go(l.work)
	}
	workers.Wait()
	if !l.complete() {
		l.fail(l.errorf("ship chunks", context.Cause(l.s.ctx)))
	}
}

// wake makes idle workers look at their context.
func (l *lane) wake() {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.s.changed.Broadcast()
}

// complete reports whether nothing is left to do for this target, or nothing can be done.
func (l *lane) complete() bool {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	return l.done()
}

// done is complete with s.mu held.
func (l *lane) done() bool { return l.err != nil || l.s.finished && len(l.has) == len(l.s.chunks) }

func (l *lane) work() {
	for {
		c, ok := l.take()
		if !ok {
			return
		}
		if err := l.ship(c); err != nil {
			l.fail(err)
			return
		}
		l.arrived(c)
	}
}

// take waits for a chunk that no other worker of this lane has taken.
func (l *lane) take() (spool.Chunk, bool) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	for l.next == len(l.s.chunks) && !l.s.finished && l.ctx.Err() == nil {
		l.s.changed.Wait()
	}
	if l.ctx.Err() != nil || l.next == len(l.s.chunks) {
		return spool.Chunk{}, false
	}
	l.next++
	return l.s.chunks[l.next-1], true
}

// ship sends one chunk, unless the target holds it with the right digest (R5.2, R5.4).
func (l *lane) ship(c spool.Chunk) error {
	if h, ok := l.held[c.Index]; l.stored || ok && h.Length == c.Length && h.SHA256 == c.SHA256 {
		return nil
	}
	op := fmt.Sprintf("ship chunk %d", c.Index)
	if _, err := os.Stat(c.Path); errors.Is(err, fs.ErrNotExist) {
		return l.errorf(op, errs.New(errs.NotFound, "the target lacks this chunk, and it is no longer in the spool: %s", c.Path))
	}
	chunk := storage.Chunk{Index: c.Index, Length: c.Length, SHA256: c.SHA256, File: c.Path}
	err := l.call(l.ctx, op, c.Length, func(ctx context.Context) error {
		return l.judge(ctx, c, l.t.Storage.PutChunk(ctx, l.token, chunk))
	})
	return l.errorf(op, err)
}

// judge decides what a target's "these bytes are wrong" means: damage on the way is worth another try, damage in the
// spool is not.
func (l *lane) judge(ctx context.Context, c spool.Chunk, err error) error {
	if !errs.Is(err, errs.Corrupt) {
		return err
	}
	if local := spool.Verify(ctx, c); local != nil {
		return local
	}
	return errs.Wrap(errs.Transient, err, "damaged on the way")
}

// call runs one call to the target with this shipment's retries. bytes is what the call moves.
func (l *lane) call(ctx context.Context, op string, bytes int64, f func(ctx context.Context) error) error {
	return l.s.o.call(ctx, l.t, op, bytes, func(ctx context.Context) error {
		l.asked()
		err := f(ctx)
		l.answered(err)
		return err
	})
}

// arrived notes a chunk that the target holds.
func (l *lane) arrived(c spool.Chunk) {
	l.progress.Lock()
	l.s.mu.Lock()
	l.has[c.Index] = true
	l.bytes += c.Length
	bytes := l.bytes
	l.s.mu.Unlock()
	if l.s.o.Progress != nil {
		l.s.o.Progress(l.t.Label, bytes)
	}
	l.progress.Unlock()
	l.s.journal.arrived(l.t.Label, c.Index)
	l.s.release(c.Index, c.Index+1)
}

// fail gives the target up. The first error counts. Other targets go on; chunks that only this one lacks may go.
func (l *lane) fail(err error) {
	l.s.mu.Lock()
	if l.err == nil {
		l.err = err
	}
	n := len(l.s.chunks)
	l.s.mu.Unlock()
	l.cancel()
	if l.s.ctx.Err() == nil { // else the shipment was stopped, to be resumed: nothing may go
		l.s.release(0, n)
	}
}

func (l *lane) result() Result {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	return Result{Label: l.t.Label, Token: l.token, Bytes: l.bytes, Err: l.err}
}
