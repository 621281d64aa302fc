package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/tree"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// place moves what was proven to its place. Each step may be done twice, as it is when an interrupted restore goes on. From
// hold to release no server starts on the directory; what is removed moves aside until then.
func (d *destination) place(ctx context.Context, r *Reader) error {
	if err := d.hold(); err != nil {
		return d.undone(err)
	}
	steps := []func() error{
		func() error { return d.mergeAll() },
		func() error { return d.secondNames() },
		func() error { return d.tidy(ctx, r) },
		func() error { return d.looks(ctx, r) },
		d.flush, d.release, d.syncRoot, d.clean,
		func() error { return d.complete(r.header.Root) },
	}
	for _, do := range steps {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// at is where an entry belongs: what is vital waits in Staging/held.
func at(p string) string {
	if top, _, _ := strings.Cut(p, "/"); slices.Contains(vital(), top) {
		return path.Join(Staging, stagedHeld, p)
	}
	return p
}

// idle asks whether somebody works on the directory.
func (d *destination) idle() error {
	if d.Idle == nil {
		return nil
	}
	return d.Idle()
}

// hold takes away what no server starts without. A server that was quicker keeps its directory.
func (d *destination) hold() error {
	if err := d.idle(); err != nil {
		return err
	}
	d.held = d.summary.Resumed // by an earlier session, perhaps
	if err := d.moveVital(func(name string) (from, to string) { return name, at(name) }); err != nil {
		return err
	}
	if err := d.idle(); err != nil {
		return errors.Join(err, d.release())
	}
	if !d.Delta {
		return nil
	}
	return d.syncRoot()
}

// release puts what is vital into its place.
func (d *destination) release() error {
	return d.moveVital(func(name string) (from, to string) { return at(name), name })
}

func (d *destination) moveVital(names func(string) (from, to string)) error {
	for _, name := range vital() {
		from, to := names(name)
		if _, err := d.root.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if _, err := d.root.Lstat(to); err == nil {
			return errs.New(errs.Exists, "something else has written %q there since the restore was interrupted; remove it", name)
		}
		if err := d.root.Rename(from, to); err != nil {
			return diskError(err)
		}
	}
	return nil
}

// undone ends a restore that has changed nothing but the stage. With Delta the directory is what it was before: when there
// is no point in going on later, the mark goes.
func (d *destination) undone(err error) error {
	if !d.Delta || !errs.Is(err, errs.Corrupt) && !errs.Is(err, errs.Exists) || d.held {
		return err
	}
	if cleanErr := errors.Join(d.clean(), d.root.Remove(tree.Marker)); cleanErr != nil {
		return errors.Join(err, cleanErr)
	}
	_ = d.journal.Close()
	d.journal = nil
	return fmt.Errorf("the directory is as it was: %w", err)
}

func (d *destination) mergeAll() error {
	names, err := d.names(path.Join(Staging, stagedFiles))
	for _, name := range names {
		if ours(name) {
			return errs.New(errs.Corrupt, "the backup has an entry %q, which drydock keeps for itself", name)
		}
		if err := d.merge(name); err != nil {
			return err
		}
	}
	return err
}

// merge moves a staged entry to its place; a directory that is there already gets what is in it.
func (d *destination) merge(p string) error {
	from, to := staged(p), at(p)
	is, err := d.root.Lstat(from)
	if err != nil {
		return diskError(err)
	}
	was, err := d.root.Lstat(to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return diskError(d.root.Rename(from, to))
	case err != nil:
		return diskError(err)
	case is.IsDir() && was.IsDir():
		return d.mergeDir(p)
	case !d.Delta:
		return errs.New(errs.Exists, "something else has written %q there meanwhile", p)
	case is.IsDir() != was.IsDir():
		if err := d.putAside(p); err != nil {
			return err
		}
	}
	return diskError(d.root.Rename(from, to))
}

func (d *destination) mergeDir(p string) error {
	names, err := d.names(staged(p))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := d.merge(path.Join(p, name)); err != nil {
			return err
		}
	}
	return diskError(d.root.Remove(staged(p)))
}

// putAside moves an entry out of the way. It is removed when everything else is in place.
func (d *destination) putAside(p string) error {
	d.summary.Removed++
	for {
		to := path.Join(Staging, stagedRemoved, fmt.Sprint(d.aside))
		d.aside++
		if _, err := d.root.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return diskError(d.root.Rename(at(p), to))
		}
	}
}

// secondNames makes the hard links.
func (d *destination) secondNames() error {
	for _, f := range d.links {
		first, err := d.root.Lstat(at(f.SameFile))
		if err != nil {
			return diskError(err)
		}
		to := at(f.Path)
		if was, err := d.root.Lstat(to); err == nil {
			if os.SameFile(first, was) {
				continue
			}
			if !d.Delta {
				return errs.New(errs.Corrupt, "%q is there already: the manifest lists it twice", f.Path)
			}
			if err := d.putAside(f.Path); err != nil {
				return err
			}
		}
		if err := d.root.MkdirAll(path.Dir(to), 0o700); err != nil {
			return diskError(err)
		}
		if err := d.root.Link(at(f.SameFile), to); err != nil {
			return diskError(err)
		}
	}
	return nil
}

// tidy puts aside what a delta finds in the directory and the backup does not have. What the backup left out on purpose
// stays: a keyring is worth more than all the rest.
func (d *destination) tidy(ctx context.Context, r *Reader) error {
	if !d.Delta {
		return nil
	}
	listed := map[string]bool{}
	err := r.Files(ctx, func(f File) error {
		for p := f.Path; p != "." && !listed[p]; p = path.Dir(p) {
			listed[p] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, top := range []string{".", path.Join(Staging, stagedHeld)} {
		if err := d.tidyDir(top, "", listed); err != nil {
			return err
		}
	}
	return nil
}

// tidyDir looks at a directory; p is its path in the data directory.
func (d *destination) tidyDir(dir, p string, listed map[string]bool) error {
	names, err := d.names(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		p := path.Join(p, name)
		if ours(p) || d.leftOut(p) {
			continue
		}
		info, err := d.root.Lstat(path.Join(dir, name))
		if err != nil {
			return diskError(err)
		}
		if info.IsDir() {
			if err := d.tidyDir(path.Join(dir, name), p, listed); err != nil {
				return err
			}
			if left, err := d.names(path.Join(dir, name)); err != nil || len(left) > 0 {
				if err != nil {
					return err
				}
				continue
			}
		}
		if !listed[p] && d.wanted(p) {
			if err := d.putAside(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// leftOut reports whether the backup left a path out on purpose.
func (d *destination) leftOut(p string) bool {
	origin := filepath.Join(d.header.Root.Path, filepath.FromSlash(p))
	for _, k := range d.header.Keyrings {
		if k.Path == origin || k.Path == filepath.Join(d.To, filepath.FromSlash(p)) {
			return true
		}
	}
	for _, pattern := range d.header.Excluded.Patterns {
		for _, name := range []string{p, origin} {
			if ok, err := doublestar.Match(pattern, name); err == nil && ok {
				return true
			}
		}
	}
	return slices.Contains(d.header.Excluded.Paths, p)
}

// looks gives every directory its look, the deepest first: one that loses its permissions hides what is in it. With Delta
// it gives it to the files as well: some were right but for that.
func (d *destination) looks(ctx context.Context, r *Reader) error {
	if d.Delta {
		err := r.Files(ctx, func(f File) error {
			if f.Type != manifest.Regular || !d.wanted(f.Path) {
				return nil
			}
			return d.lookAt(d.root, at(f.Path), &f)
		})
		if err != nil {
			return err
		}
	}
	for _, f := range slices.Backward(d.dirs) {
		if err := d.lookAt(d.root, at(f.Path), &f); err != nil {
			return err
		}
	}
	return nil
}

// lookAt gives what lies at a path below root its owner, mode and time.
func (d *destination) lookAt(root *os.Root, p string, f *File) error {
	if d.owner {
		uid, gid := d.ids.of(f)
		if err := root.Chown(p, uid, gid); err != nil {
			return diskError(err)
		}
	}
	if err := root.Chmod(p, fileMode(f.Mode)); err != nil {
		return diskError(err)
	}
	return diskError(root.Chtimes(p, f.MTime.Time(), f.MTime.Time()))
}

// clean removes the stage.
func (d *destination) clean() error { return diskError(d.root.RemoveAll(Staging)) }

// complete takes the mark away, now that everything else is on the disk.
func (d *destination) complete(look manifest.Root) error {
	dir, err := d.root.Open(".")
	if err != nil {
		return diskError(err)
	}
	defer dir.Close()
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
