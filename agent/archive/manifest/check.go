package manifest

import (
	"fmt"
	"path"
	"strings"

	"github.com/drydock-backup/drydock/agent/innodb"
)

// check refuses whatever a writer would never write and a restore must never act on.
func (f *File) check(h *Header) error {
	if err := CheckPath(f.Path); err != nil {
		return err
	}
	if f.Path == Name {
		return fmt.Errorf("%q lists itself", f.Path)
	}
	if f.Size < 0 || f.Packed < 0 || f.Header < 0 || f.Allocated < 0 || f.Data < f.Header || f.Data+f.Packed < f.Data {
		return fmt.Errorf("%q: sizes or places are not possible", f.Path)
	}
	if f.MTime[1] < 0 || f.MTime[1] > 999999999 {
		return fmt.Errorf("%q: mtime has %d nanoseconds", f.Path, f.MTime[1])
	}
	if f.SameFile != "" {
		if err := CheckPath(f.SameFile); err != nil || f.SameFile == f.Path || f.Type != Regular {
			return fmt.Errorf("%q: cannot be the same file as %q", f.Path, f.SameFile)
		}
	}
	if err := f.checkPages(); err != nil {
		return err
	}
	switch f.Type {
	case Regular:
		return f.checkRegular(h)
	case Directory:
		return f.checkPlain(f.Size == 0)
	case Symlink:
		if err := CheckTarget(f.Path, f.Target); err != nil {
			return err
		}
		return f.checkPlain(f.Size == int64(len(f.Target)))
	}
	return fmt.Errorf("%q: type %q is not known", f.Path, f.Type)
}

func (f *File) checkPages() error {
	p := f.Pages
	if p == nil {
		return nil
	}
	if f.Type != Regular || p.Opaque < 0 || p.Damaged < 0 || p.Checked < p.Opaque || p.Checked < p.Damaged ||
		int64(len(p.Bad)) != min(p.Damaged, innodb.MaxBad) {
		return fmt.Errorf("%q: its pages do not add up", f.Path)
	}
	last := int64(-1)
	for _, n := range p.Bad {
		if n <= last {
			return fmt.Errorf("%q: its damaged pages are not in order", f.Path)
		}
		last = n
	}
	return nil
}

func (f *File) checkPlain(size bool) error {
	if !size || f.Method != 0 || f.Packed != f.Size || f.Streamed || f.Frames != nil {
		return fmt.Errorf("%q: is not how a %s is stored", f.Path, f.Type)
	}
	return nil
}

func (f *File) checkRegular(h *Header) error {
	if f.Method == 0 {
		if f.Packed != f.Size || f.Frames != nil {
			return fmt.Errorf("%q: stored as it is, but sizes differ", f.Path)
		}
		return nil
	}
	if f.Method != h.Method || !f.Streamed || f.Size == 0 {
		return fmt.Errorf("%q: method %d does not fit", f.Path, f.Method)
	}
	count, bytes := f.Frames.Totals()
	if want := (f.Size-1)/int64(h.FrameSize) + 1; count != want {
		return fmt.Errorf("%q: %d frames for %d bytes", f.Path, count, f.Size)
	}
	if bytes+int64(len(h.Trailer)) != f.Packed {
		return fmt.Errorf("%q: frames and trailer are not %d bytes", f.Path, f.Packed)
	}
	return nil
}

// CheckPath reports whether p is a clean relative path that stays inside.
func CheckPath(p string) error {
	switch {
	case p == "" || p == "." || p == ".." || strings.HasPrefix(p, "../") || strings.HasPrefix(p, "/"):
		return fmt.Errorf("path %q is not inside the data directory", p)
	case path.Clean(p) != p || strings.ContainsRune(p, 0):
		return fmt.Errorf("path %q is not clean", p)
	case len(p) > 65000:
		return fmt.Errorf("path of %d bytes is too long", len(p))
	}
	return nil
}

// CheckTarget reports whether the symlink at p, pointing to target, stays inside.
func CheckTarget(p, target string) error {
	inside := path.Join(path.Dir(p), target)
	if target == "" || path.IsAbs(target) || strings.ContainsRune(target, 0) || inside == ".." || strings.HasPrefix(inside, "../") {
		return fmt.Errorf("symlink %q points to %q, outside the data directory", p, target)
	}
	return nil
}
