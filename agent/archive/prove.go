package archive

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-backup/drydock/agent/archive/journal"
)

const (
	proofQueue = 1024
	proofRead  = 1 << 20
	proofAhead = 8 << 20 // bytes that the disk is asked for before they are needed
	// flushEvery is how often what was written of a large file is brought to the disk and noted. It is what an interrupted
	// restore has to fetch again, at most.
	flushEvery = 3 * time.Second
)

// prover brings files to the disk, many at once, then reads each back from there and compares its SHA-256. It works beside
// the extractor: one waits for the disk while the other has the cores.
type prover struct {
	d      *destination
	queue  chan *target
	failed chan struct{}
	err    error // once failed is closed
	wg     sync.WaitGroup
}

func newProver(d *destination) *prover {
	return &prover{d: d, queue: make(chan *target, proofQueue), failed: make(chan struct{})}
}

// start begins to work. An error ends the restore through cancel.
func (v *prover) start(cancel context.CancelCauseFunc) {
	v.wg.Go(func() {
		if err := v.work(); err != nil {
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

// stop proves what is queued and waits until it is done. It is for the one who calls add.
func (v *prover) stop() error {
	close(v.queue)
	v.wg.Wait()
	return v.err
}

func (v *prover) work() error {
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
		}
		if err := v.prove(files); err != nil {
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

// prove flushes everything that was written, proves what is whole, and then notes both.
func (v *prover) prove(files []*target) error {
	progress := v.d.underWay()
	if len(files) == 0 && len(progress) == 0 {
		return nil
	}
	if err := v.d.flush(); err != nil {
		return err
	}
	right := make([]bool, len(files))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, t := range files {
		g.Go(func() (err error) {
			right[i], err = v.d.proven(t)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, t := range files {
		if right[i] && t.Size > 0 {
			progress = append(progress, journal.Progress{Path: t.Path, Done: t.Size})
		}
	}
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

// proven reads a file back, and gives it its final look.
func (d *destination) proven(t *target) (bool, error) {
	f, err := d.stage.OpenFile(t.Path, os.O_RDWR, 0)
	if err != nil {
		return false, fmt.Errorf("read back %q: %w", t.Path, diskError(err))
	}
	defer f.Close()
	forget(f)
	sum, err := digestFile(f)
	if err != nil {
		return false, fmt.Errorf("read back %q: %w", t.Path, diskError(err))
	}
	if sum != t.SHA256 {
		t.fail("its SHA-256 differs from the manifest's")
		d.flawed(t)
		return false, nil
	}
	if err := d.look(f, &t.File); err != nil {
		return false, fmt.Errorf("%q: %w", t.Path, diskError(err))
	}
	if err := d.stage.Chtimes(t.Path, t.MTime.Time(), t.MTime.Time()); err != nil {
		return false, fmt.Errorf("%q: %w", t.Path, diskError(err))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.summary.Written++
	return true, nil
}

// look gives a file its owner and mode.
func (d *destination) look(f *os.File, is *File) error {
	if d.owner {
		uid, gid := d.ids.of(is)
		if err := f.Chown(uid, gid); err != nil {
			return err
		}
	}
	return f.Chmod(fileMode(is.Mode))
}

// digestFile hashes a file from its beginning to its end; holes are not read.
func digestFile(f *os.File) (sum [32]byte, err error) {
	info, err := f.Stat()
	if err != nil {
		return sum, err
	}
	advise(f)
	h, buf, zeros, asked := sha256.New(), make([]byte, min(proofRead, max(info.Size(), 1))), []byte(nil), int64(0)
	for off := int64(0); off < info.Size(); {
		next := nextData(f, off, info.Size())
		if next > off && zeros == nil {
			zeros = make([]byte, zeroBlock)
		}
		for ; off < next; off += min(next-off, zeroBlock) {
			_, _ = h.Write(zeros[:min(next-off, zeroBlock)])
		}
		if off >= asked {
			ahead(f, off, proofAhead+proofAhead/2)
			asked = off + proofAhead/2
		}
		n, err := f.ReadAt(buf[:min(int64(len(buf)), info.Size()-off)], off)
		if n == 0 && err != nil && off < info.Size() {
			return sum, err
		}
		_, _ = h.Write(buf[:n])
		off += int64(n)
	}
	h.Sum(sum[:0])
	return sum, nil
}
