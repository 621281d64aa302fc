package archive

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-backup/drydock/agent/archive/journal"
	"github.com/drydock-backup/drydock/sdk/errs"
)

const (
	proofQueue = 1024
	// flushEvery and flushBytes are how often what was written is brought to the disk, read back and noted: also of a file
	// that is not whole yet. It is what an interrupted restore has to fetch again, at most, and what is left to prove when
	// the last byte was written.
	flushEvery = 3 * time.Second
	flushBytes = 96 << 20
)

// prover brings files to the disk, many at once, then reads them back from there and compares that with what was written. It
// works beside the extractor: one waits for the disk while the other has the cores.
type prover struct {
	d       *destination
	queue   chan *target
	kick    chan struct{} // much was written since the last flush
	written int64         // since then; of the one who calls wrote
	failed  chan struct{}
	err     error // once failed is closed
	wg      sync.WaitGroup
}

func newProver(d *destination) *prover {
	return &prover{d: d, queue: make(chan *target, proofQueue), kick: make(chan struct{}, 1), failed: make(chan struct{})}
}

// start begins to work. An error ends the restore through cancel.
func (v *prover) start(ctx context.Context, cancel context.CancelCauseFunc) {
	v.wg.Go(func() {
		if err := v.work(ctx); err != nil {
			v.err = err
			close(v.failed)
			cancel(err)
		}
	})
}

// add queues a file.
func (v *prover) add(t *target) error {
	select {
	case v.queue <- t:
		return nil
	case <-v.failed:
		return v.err
	}
}

// wrote tells how much was written. It is for the one who calls add.
func (v *prover) wrote(n int64) {
	if v.written += n; v.written < flushBytes {
		return
	}
	v.written = 0
	select {
	case v.kick <- struct{}{}:
	default: // it is busy, and will look again
	}
}

// stop proves what is queued and waits until it is done. It is for the one who calls add.
func (v *prover) stop() error {
	close(v.queue)
	v.wg.Wait()
	return v.err
}

func (v *prover) work(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		var files []*target
		open := true
		select {
		case t, more := <-v.queue:
			if open = more; more {
				files = v.waiting(append(files, t))
			}
		case <-tick.C:
		case <-v.kick:
		}
		if err := v.prove(ctx, files); err != nil {
			return err
		}
		if !open {
			return nil
		}
	}
}

// waiting takes what else is queued.
func (v *prover) waiting(files []*target) []*target {
	for len(files) < proofQueue {
		select {
		case t, more := <-v.queue:
			if !more {
				return files // the next receive sees that again
			}
			files = append(files, t)
		default:
			return files
		}
	}
	return files
}

// prove flushes everything that was written, reads it back, and then notes what is on the disk.
func (v *prover) prove(ctx context.Context, files []*target) error {
	growing := v.d.underWay()
	if len(files) == 0 && len(growing) == 0 {
		return nil
	}
	if err := v.d.flush(); err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	progress := make([]journal.Progress, len(files), len(files)+len(growing))
	for t, written := range growing {
		progress = append(progress, journal.Progress{Path: t.Path, Done: written[len(written)-1].end()})
		g.Go(func() error { return v.d.readBack(t, written) })
	}
	for i, t := range files {
		g.Go(func() error {
			right, err := v.d.proven(ctx, t)
			if right {
				progress[i] = journal.Progress{Path: t.Path, Done: t.Size}
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	progress = slices.DeleteFunc(progress, func(p journal.Progress) bool { return p.Done == 0 })
	return diskError(v.d.journal.Append(progress))
}

// flush brings all that was written to the disk.
func (d *destination) flush() error {
	dir, err := d.root.Open(".")
	if err != nil {
		return diskError(err)
	}
	defer dir.Close()
	return diskError(syncAll(dir))
}

// takeIn hashes what an earlier session has written of a file that is not whole yet: its SHA-256 begins there.
func (d *destination) takeIn(ctx context.Context, t *target) error {
	if t.from == 0 || t.there() {
		return nil
	}
	t.sum = newDigest()
	forget(t.out.File, 0, t.from)
	if err := d.digests.part(ctx, t.sum.sha, t.out, 0, t.from); err != nil {
		return fmt.Errorf("read back %q: %w", t.Path, diskError(err))
	}
	return nil
}

// spansAtOnce is how many spans of one file are read back at once.
const spansAtOnce = 4

// readBack compares parts of a file on the disk, without a gap between them, with what was written.
func (d *destination) readBack(t *target, written []span) error {
	if len(written) == 0 {
		return nil
	}
	if err := d.openBack(t); err != nil {
		return err
	}
	from := written[0].off
	forget(t.back.File, from, written[len(written)-1].end()-from)
	var g errgroup.Group
	g.SetLimit(spansAtOnce)
	for _, s := range written {
		g.Go(func() error {
			right, err := d.digests.holds(t.back, s)
			if err == nil && !right {
				err = errs.New(errs.Permanent, "the disk gives back something else than was written at byte %d: "+
					"look for its errors, and restore to another one", s.off)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("read back %q: %w", t.Path, diskError(err))
	}
	return nil
}

func (d *destination) openBack(t *target) error {
	if t.back != nil {
		return nil
	}
	f, err := d.stage.OpenFile(t.Path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("read back %q: %w", t.Path, diskError(err))
	}
	t.back = d.bypassed(f, &t.File)
	return nil
}

// proven reads the rest of a file back, and gives it its final look.
func (d *destination) proven(ctx context.Context, t *target) (bool, error) {
	defer t.closeBack()
	if err := d.openBack(t); err != nil {
		return false, err
	}
	if err := d.readBack(t, t.unproven.take()); err != nil {
		return false, err
	}
	right, err := d.whole(ctx, t)
	if err != nil {
		return false, fmt.Errorf("read back %q: %w", t.Path, diskError(err))
	}
	if !right {
		t.fail("its SHA-256 differs from the manifest's")
		d.flawed(t)
		return false, nil
	}
	if err := d.lookAt(d.stage, t.Path, &t.File); err != nil {
		return false, fmt.Errorf("%q: %w", t.Path, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.summary.Written++
	return true, nil
}

// whole looks at the size of a file, and at the content of one that an earlier session has written.
func (d *destination) whole(ctx context.Context, t *target) (bool, error) {
	info, err := t.back.Stat()
	if err != nil || info.Size() != t.Size || !t.there() {
		return err == nil && info.Size() == t.Size, err
	}
	forget(t.back.File, 0, t.Size)
	h := sha256.New()
	err = d.digests.part(ctx, h, t.back, 0, t.Size)
	return [32]byte(h.Sum(nil)) == t.SHA256, err
}

func (t *target) closeBack() {
	if t.back != nil {
		_ = t.back.Close()
		t.back = nil
	}
}
