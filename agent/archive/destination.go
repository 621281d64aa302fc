package archive

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"runtime"
	"sync"

	"github.com/drydock-backup/drydock/agent/archive/journal"
	"github.com/drydock-backup/drydock/sdk/directio"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// destination is the directory that a restore fills. All access goes through root and stage, which keep every path inside.
type destination struct {
	RestoreOptions
	header  Header
	root    *os.Root // the directory
	stage   *os.Root // where files are until they are proven
	journal *journal.Journal
	done    map[string]int64 // what an earlier session brought to the disk
	same    map[string]bool  // with Delta: files in the directory that are as they should be
	owner   bool
	ids     *ids
	dirs    []File // to be given their look at the end
	links   []File // second names
	summary Summary
	damage  Report
	digests digester

	mu    sync.Mutex
	open  map[*target]bool
	redo  map[string]bool // what an earlier session left, and turned out to be wrong
	aside int             // next name of what is put aside
	held  bool            // the directory may be without what is vital
}

func newDestination(o RestoreOptions, h Header) *destination {
	d := &destination{RestoreOptions: o, header: h, ids: newIDs(), open: map[*target]bool{}, redo: map[string]bool{}, digests: newDigester()}
	d.owner = o.Owner || runtime.GOOS != "windows" && os.Geteuid() == 0
	return d
}

func (d *destination) close() {
	if d.journal != nil {
		_ = d.journal.Close()
	}
	for _, r := range []*os.Root{d.stage, d.root} {
		if r != nil {
			_ = r.Close()
		}
	}
}

// makeDir makes a directory in the stage.
func (d *destination) makeDir(p string) error {
	err := d.withParent(p, func() error { return d.stage.Mkdir(p, 0o700) })
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	// It may have been made as a parent, or earlier; anything but a directory is a path that is listed twice.
	if info, statErr := d.stage.Lstat(p); statErr != nil || !info.IsDir() {
		return errs.New(errs.Corrupt, "%q is there already: the manifest lists it twice", p)
	}
	return nil
}

// bypassFrom is the size of files, in bytes, from which on the page cache is left out. Many small files are written to the
// disk together much faster than one by one.
const bypassFrom = 1 << 20

// create makes a file in the stage, or opens the one that an earlier session left, and notes how much of it counts.
func (d *destination) create(f *File) (*target, error) {
	file, have, err := d.openStaged(f)
	if err != nil {
		return nil, err
	}
	t := &target{File: *f, sum: newDigest(), out: d.bypassed(file, f), from: have}
	if f.Sparse {
		t.blank = holeUnit
	} else if t.out.Bypasses() && f.Size > have {
		reserved, err := directio.Reserve(file, have, f.Size-have)
		if err != nil {
			return nil, errors.Join(diskError(err), t.out.Close())
		}
		if reserved {
			t.blank = reservedUnit
		}
	}
	return t, nil
}

// bypassed leaves the page cache out for a large file: each byte is written once and read back once.
func (d *destination) bypassed(file *os.File, f *File) *directio.File {
	out := directio.New(file)
	if f.Size >= bypassFrom {
		out.Bypass(d.stage, f.Path)
	}
	return out
}

// openStaged makes the file, or opens the one that an earlier session left.
func (d *destination) openStaged(f *File) (out *os.File, have int64, err error) {
	if d.summary.Resumed {
		if out, have, err = d.reopen(f); out != nil || err != nil {
			return out, have, err
		}
	}
	err = d.withParent(f.Path, func() error {
		out, err = d.stage.OpenFile(f.Path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	})
	if errors.Is(err, fs.ErrExist) {
		err = errs.New(errs.Corrupt, "%q is there already: the manifest lists it twice", f.Path)
	}
	if err == nil {
		err = diskError(out.Truncate(f.Size)) // what was not written yet reads as zeros, as a hole does
	}
	return out, 0, err
}

// reopen takes up a file of an earlier session: whole frames of what was flushed count, the rest is cut off.
func (d *destination) reopen(f *File) (out *os.File, have int64, err error) {
	info, err := d.stage.Lstat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, nil
	case err != nil || !info.Mode().IsRegular():
		return nil, 0, errs.New(errs.Corrupt, "%q is not the file that an earlier restore has made", f.Path)
	}
	if err := d.stage.Chmod(f.Path, 0o600); err != nil {
		return nil, 0, diskError(err)
	}
	if out, err = d.stage.OpenFile(f.Path, os.O_RDWR, 0); err != nil {
		return nil, 0, diskError(err)
	}
	frame := int64(d.header.FrameSize)
	have = min(d.done[f.Path], f.Size, info.Size())
	if have < f.Size || d.redo[f.Path] {
		have = have / frame * frame
		if d.redo[f.Path] {
			have = 0
		}
		if err = out.Truncate(have); err == nil {
			err = out.Truncate(f.Size)
		}
	}
	if err != nil {
		return nil, 0, errors.Join(diskError(err), out.Close())
	}
	return out, have, nil
}

// withParent makes the directories above p when make says that they are missing: an artifact need not list those of
// .drydock, and a restore of some files need not bring them.
func (d *destination) withParent(p string, make func() error) error {
	err := make()
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.stage.MkdirAll(path.Dir(p), 0o700); err != nil {
			return diskError(err)
		}
		err = make()
	}
	return diskError(err)
}

func (d *destination) opened(t *target) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[t] = true
}

func (d *destination) closed(t *target) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, t)
}

// closeOpen closes what was under way when the restore failed.
func (d *destination) closeOpen() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for t := range d.open {
		_ = t.out.Close()
		t.closeBack()
		delete(d.open, t)
	}
}

// underWay takes what was written of the files that are being written.
func (d *destination) underWay() map[*target][]span {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[*target][]span{}
	for t := range d.open {
		if spans := t.unproven.take(); len(spans) > 0 {
			all[t] = spans
		}
	}
	return all
}
