package archive

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-backup/drydock/agent/archive/journal"
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
	g.SetLimit(filesAtOnce())
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
