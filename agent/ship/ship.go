package ship

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/drydock-backup/drydock/agent/retry"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// DefaultWorkers is how many chunks go to one target at the same time.
const DefaultWorkers = 4

// Target is one place that an artifact goes to.
type Target struct {
	Label   string // unique within a shipment; names the target in errors and in the journal
	Storage storage.Storage
	Token   string // of an upload that an earlier process began; empty begins a new one
}

// Journal keeps what has to survive the agent. Its methods are called from several goroutines.
type Journal interface {
	// UploadBegun keeps an upload's token, durably, before the first chunk is sent. An error fails the target: an
	// upload that nobody knows of could never be resumed or dropped.
	UploadBegun(label, token string) error
	// ChunksArrived adds chunks that a target has confirmed. It is called with many chunks at a time and some time after
	// the fact; an error is logged and the chunks are offered again with the next ones.
	ChunksArrived(label string, indices []int) error
}

// Options say what is shipped and how.
type Options struct {
	Key       string // the artifact's key at every target
	ChunkSize int64  // bytes
	Size      int64  // bytes of the whole artifact when known, for a resumed shipment; else 0
	Workers   int    // per target; 0 means DefaultWorkers
	Retry     retry.Policy
	Journal   Journal // may be nil

	// Keep keeps chunks that a failed target lacks (R9.3): set it when the artifact is going to be whole on this host
	// and to be shipped to that target later. See DropKept for the way back.
	Keep bool
	// Release is called once for every chunk that no target needs any more, from a worker's goroutine. May be nil.
	Release func(chunk spool.Chunk)
	// Progress is called with the bytes that a target holds by now, for one target one call at a time. May be nil.
	Progress func(label string, bytes int64)
	Log      *slog.Logger // retries are logged as warnings; may be nil
}

// Result is how the shipment to one target ended.
type Result struct {
	Label string
	Token string // empty when the upload could not begin
	Bytes int64  // that the target holds
	Err   error  // nil when all chunks have arrived
}

// Shipment is an artifact on its way to its targets. All methods may be called from several goroutines.
type Shipment struct {
	o       Options
	cancel  context.CancelCauseFunc
	ctx     context.Context
	lanes   []*lane
	workers sync.WaitGroup
	ended   chan struct{} // closed when no worker is left
	journal *recorder

	mu       sync.Mutex
	changed  *sync.Cond // with mu: chunks, finished, or a lane's end
	chunks   []spool.Chunk
	released []bool
	finished bool
	keep     bool
}

// errAborted is the cause that a shipment's workers see after Abort or Stop.
var errAborted = errs.New(errs.Canceled, "shipment stopped")

// Start begins to ship to all targets. It does not wait for any of them: a target that cannot begin fails alone, and
// Begun or Wait tell. It fails for options that make no sense. ctx bounds the life of the whole shipment; Wait, Stop or
// Abort must be called to end its goroutines.
func Start(ctx context.Context, targets []Target, o Options) (*Shipment, error) {
	o, err := o.checked(targets)
	if err != nil {
		return nil, err
	}
	s := &Shipment{o: o, keep: o.Keep, journal: newRecorder(o.Journal, o.Log), ended: make(chan struct{})}
	s.changed = sync.NewCond(&s.mu)
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	for _, t := range targets {
		s.lanes = append(s.lanes, newLane(s, t))
	}
	for _, l := range s.lanes {
		s.workers.Go(l.run)
	}
	go func() { // ends with the workers
		s.workers.Wait()
		close(s.ended)
	}()
	return s, nil
}

func (o Options) checked(targets []Target) (Options, error) {
	seen := map[string]bool{}
	for _, t := range targets {
		if t.Label == "" || t.Storage == nil || seen[t.Label] {
			return o, errs.New(errs.Invalid, "ship %q: target %q is empty or named twice", o.Key, t.Label)
		}
		seen[t.Label] = true
	}
	if len(targets) == 0 || o.Key == "" || o.ChunkSize <= 0 {
		return o, errs.New(errs.Invalid, "ship %q: %d targets, chunks of %d bytes", o.Key, len(targets), o.ChunkSize)
	}
	return o.withDefaults(), nil
}

func (o Options) withDefaults() Options {
	if o.Workers <= 0 {
		o.Workers = DefaultWorkers
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Retry = o.Retry.WithDefaults()
	return o
}

// Begun waits until every target has taken up the upload, or failed to, and returns how that went. ctx bounds the
// wait: a target that has not answered by then is reported with its error, and goes on trying.
func (s *Shipment) Begun(ctx context.Context) []Result {
	all := make([]Result, len(s.lanes))
	for i, l := range s.lanes {
		select {
		case <-l.begun:
			all[i] = l.result()
		case <-ctx.Done():
			all[i] = l.result()
			all[i].Err = errors.Join(all[i].Err, l.errorf("begin upload", context.Cause(ctx)))
		}
	}
	return all
}

// Offer adds the next chunk; chunks come in the order of their index, without a gap. It never waits for a target. It
// fails when there is no use in going on: every target has failed (and chunks are not kept), or the shipment was
// stopped. It has the signature of the spool Writer's emit function.
func (s *Shipment) Offer(c spool.Chunk) error {
	s.mu.Lock()
	if err := s.offer(c); err != nil {
		s.mu.Unlock()
		return err
	}
	s.mu.Unlock()
	s.release(c.Index, c.Index+1) // when every target holds it already, or nobody is left
	return nil
}

func (s *Shipment) offer(c spool.Chunk) error {
	if err := context.Cause(s.ctx); err != nil {
		return errs.Wrap(errs.KindOf(err), err, "ship chunk %d", c.Index)
	}
	if s.finished || c.Index != len(s.chunks) {
		return errs.New(errs.Invalid, "ship chunk %d: chunk %d was expected (finished: %t)", c.Index, len(s.chunks), s.finished)
	}
	if err := s.allFailed(); err != nil && !s.keep {
		return err
	}
	s.chunks = append(s.chunks, c)
	s.released = append(s.released, false)
	s.changed.Broadcast()
	return nil
}

// allFailed returns the joined errors when no target is left, else nil. s.mu is held.
func (s *Shipment) allFailed() error {
	all := make([]error, len(s.lanes))
	for i, l := range s.lanes {
		if l.err == nil {
			return nil
		}
		all[i] = l.err
	}
	return errors.Join(all...)
}

// Finish says that no more chunks will come.
func (s *Shipment) Finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finished = true
	s.changed.Broadcast()
}

// Wait waits until every target has all chunks or has failed; Finish must have been called, or be called meanwhile. When
// ctx ends first the shipment is stopped, and targets that lack chunks fail with the context's cause. Results are in
// the order of the targets. No worker is left when it returns.
func (s *Shipment) Wait(ctx context.Context) []Result {
	stop := context.AfterFunc(ctx, func() { s.cancel(context.Cause(ctx)) })
	defer stop()
	<-s.ended
	s.cancel(errAborted) // what follows is too late
	s.journal.close()
	all := make([]Result, len(s.lanes))
	for i, l := range s.lanes {
		all[i] = l.result()
	}
	return all
}

// Stop ends all workers and leaves the uploads open, to be resumed by their tokens.
func (s *Shipment) Stop() []Result {
	s.cancel(errAborted)
	return s.Wait(s.ctx)
}

// Abort ends all workers and drops the uploads at all targets that are not known as committed (see Committed). ctx
// bounds the calls to the targets.
func (s *Shipment) Abort(ctx context.Context) error {
	s.Stop()
	failed := make([]error, len(s.lanes))
	var wg sync.WaitGroup
	for i, l := range s.lanes {
		wg.Go(func() { failed[i] = l.abort(ctx) })
	}
	wg.Wait()
	return errors.Join(failed...)
}

// Committed says that the upload to a target became an object, which Abort must leave alone.
func (s *Shipment) Committed(label string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lanes {
		if l.t.Label == label {
			l.committed = true
		}
	}
}
