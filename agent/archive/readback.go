package archive

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// span is a part of a file that was written, and is to be read back: a frame.
type span struct {
	off, size int64
	crcs      [2]uint32 // CRC-32 of the file up to the span, and with it
	hole      bool      // all zeros, and not written
}

func (s span) end() int64 { return s.off + s.size }

// spans are those of a file that were written and not read back yet, in order. They are safe for concurrent use.
type spans struct {
	mu  sync.Mutex
	all []span
}

func (s *spans) add(one span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, one)
}

// take returns them and forgets them.
func (s *spans) take() []span {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

// takeIn hashes what an earlier session has written of a file that is not whole yet: its SHA-256 begins there.
func (d *destination) takeIn(ctx context.Context, t *target) error {
	if t.from == 0 || t.there() {
		return nil
	}
	forget(t.out.File, 0, t.from)
	if err := d.digests.part(ctx, t.sum.sha, t.out, 0, t.from); err != nil {
		return fmt.Errorf("read back %q: %w", t.Path, diskError(err))
	}
	return nil
}

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
	g.SetLimit(readsAtOnce)
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
