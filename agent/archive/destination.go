package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"sync"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/tree"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// destination is the directory that a restore fills. All access goes through root, which keeps every path inside.
type destination struct {
	RestoreOptions
	root    *os.Root
	owner   bool
	ids     *ids
	dirs    []File // to be given their look at the end
	picked  int64
	summary Summary
	damage  Report

	mu   sync.Mutex
	open map[*target]bool
}

// newDestination makes the directory, or takes an empty one, and marks it.
func newDestination(o RestoreOptions, h Header) (*destination, error) {
	if err := os.MkdirAll(o.To, 0o700); err != nil {
		return nil, diskError(err)
	}
	root, err := os.OpenRoot(o.To)
	if err != nil {
		return nil, diskError(err)
	}
	d := &destination{RestoreOptions: o, root: root, ids: newIDs(), open: map[*target]bool{}}
	d.owner = o.Owner || runtime.GOOS != "windows" && os.Geteuid() == 0
	if err := d.empty(); err != nil {
		d.close()
		return nil, err
	}
	if err := d.mark(h); err != nil {
		d.close()
		return nil, diskError(err)
	}
	return d, nil
}

func (d *destination) close() { _ = d.root.Close() }

// empty refuses a directory with anything in it.
func (d *destination) empty() error {
	dir, err := d.root.Open(".")
	if err != nil {
		return diskError(err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(1)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return diskError(err)
	}
	if _, err := d.root.Lstat(tree.Marker); err == nil {
		return errs.New(errs.Exists, "it holds an unfinished restore; remove it or choose another directory")
	}
	return errs.New(errs.Exists, "it is not empty (it holds %q); choose another directory", names[0])
}

func (d *destination) mark(h Header) error {
	text := fmt.Sprintf("drydock is restoring backup %s here, or did not get to the end of it.\n"+
		"While this file exists the directory is not a whole data directory: do not start a server on it.\n", h.Artifact.ID)
	return d.root.WriteFile(tree.Marker, []byte(text), 0o600)
}

func (d *destination) makeDir(p string) error {
	err := d.withParent(p, func() error { return d.root.Mkdir(p, 0o700) })
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	// It may have been made as a parent; anything but a directory is a path that is listed twice.
	if info, statErr := d.root.Lstat(p); statErr != nil || !info.IsDir() {
		return errs.New(errs.Corrupt, "%q is there already: the manifest lists it twice", p)
	}
	return nil
}

func (d *destination) create(p string) (out *os.File, err error) {
	err = d.withParent(p, func() error {
		out, err = d.root.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	})
	if errors.Is(err, fs.ErrExist) {
		err = errs.New(errs.Corrupt, "%q is there already: the manifest lists it twice", p)
	}
	return out, err
}

// withParent makes the directories above p when make says that they are missing: an artifact need not list those of
// .drydock, and a restore of some files need not bring them.
func (d *destination) withParent(p string, make func() error) error {
	err := make()
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.root.MkdirAll(path.Dir(p), 0o700); err != nil {
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

func (d *destination) done(t *target) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, t)
}

// closeOpen closes what was under way when the restore failed.
func (d *destination) closeOpen() {
	for t := range d.open {
		_ = t.out.Close()
	}
}

func (d *destination) ownLink(f *File) error {
	if !d.owner {
		return nil
	}
	uid, gid := d.ids.of(f)
	return diskError(d.root.Lchown(f.Path, uid, gid))
}

// directories gives every directory its look, the deepest first: one that loses its permissions hides what is in it.
func (d *destination) directories() error {
	for _, f := range slices.Backward(d.dirs) {
		if d.owner {
			uid, gid := d.ids.of(&f)
			if err := d.root.Chown(f.Path, uid, gid); err != nil {
				return diskError(err)
			}
		}
		if err := d.root.Chtimes(f.Path, f.MTime.Time(), f.MTime.Time()); err != nil {
			return diskError(err)
		}
		if err := d.root.Chmod(f.Path, fileMode(f.Mode)); err != nil {
			return diskError(err)
		}
	}
	return nil
}

// complete brings everything to the disk, and only then takes the mark away.
func (d *destination) complete(look manifest.Root) error {
	dir, err := d.root.Open(".")
	if err != nil {
		return diskError(err)
	}
	defer dir.Close()
	if err := syncAll(dir); err != nil {
		return diskError(err)
	}
	if d.owner {
		uid, gid := d.ids.of(&File{UID: look.UID, GID: look.GID, User: look.User, Group: look.Group})
		if err := dir.Chown(uid, gid); err != nil {
			return diskError(err)
		}
	}
	if err := d.root.Remove(tree.Marker); err != nil {
		return diskError(err)
	}
	if err := d.root.Chtimes(".", look.MTime.Time(), look.MTime.Time()); err != nil {
		return diskError(err)
	}
	if err := dir.Chmod(fileMode(look.Mode)); err != nil {
		return diskError(err)
	}
	return diskError(syncDir(dir))
}
