package archive

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/drydock-backup/drydock/agent/archive/journal"
	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// RestoreOptions say where Restore puts what.
type RestoreOptions struct {
	To    string   // made when it does not exist; must be empty, or hold an unfinished restore of the same
	Only  []string // doublestar patterns; a directory that matches brings all that is in it. Empty: everything
	Owner bool     // restore owners; always done when running as root
	// Delta makes To, which is a data directory, what is in the artifact: files that differ are replaced, and what the
	// backup neither has nor left out on purpose is removed. To stays as it was until every new file is proven.
	Delta bool
	// Free returns the bytes that may be written to the file system of a directory; nil: whether there is room is not asked.
	Free func(dir string) (int64, error)
	// Idle returns an error when somebody works on To. It is asked just before its content changes; nil: it is not asked.
	Idle     func() error
	Progress func(Progress)
}

// Restore gives back what is in the artifact: bytes, modes, times, holes, links and owners, which are found by name where
// this host knows the name, else by number. Each file is compared with its SHA-256, flushed, read back from the disk and
// compared with what was written, before it gets to its place.
//
// While it works, and for ever after a failure, the directory holds a file .drydock-incomplete that says so, and nothing
// that a server would start on. An interrupted restore goes on when it is called with the same artifact and options again;
// what the disk had by then is not fetched a second time. Nothing is written outside To, whatever the manifest says.
// Damaged files do not keep the others from being restored to the stage; the error, of kind errs.Corrupt, names them. f is
// not needed for artifacts that are not compressed.
func (r *Reader) Restore(ctx context.Context, f Frames, o RestoreOptions) (Summary, error) {
	for _, p := range o.Only {
		if !doublestar.ValidatePattern(p) {
			return Summary{}, errs.New(errs.Invalid, "restore: pattern %q is not valid", p)
		}
	}
	d := newDestination(o, r.header)
	defer d.close()
	if err := d.restore(ctx, r, f); err != nil {
		if d.journal != nil {
			err = fmt.Errorf("it is incomplete and marked so: %w", err)
		}
		return d.summary, fmt.Errorf("restore to %q: %w", o.To, err)
	}
	d.summary.ManifestSHA256, d.summary.ArtifactBytes, d.summary.Entries = r.sha, r.src.Size(), r.end.Entries
	return d.summary, nil
}

// restore does the work in the order that makes it safe. The directory is not touched before there is room, and holds
// nothing but the mark and the stage until every file in the stage is proven.
func (d *destination) restore(ctx context.Context, r *Reader, f Frames) error {
	m := &meter{report: d.Progress}
	identity := journal.Identity{Backup: d.header.Artifact.ID, Manifest: r.sha, Only: d.Only, Delta: d.Delta}
	if err := d.takeUp(identity); err != nil {
		return err
	}
	if err := d.plan(ctx, r, m); err != nil {
		return err
	}
	if err := d.prepare(identity); err != nil {
		return err
	}
	if !d.placing() {
		if err := d.fill(ctx, r, f, m); err != nil {
			return d.undone(err)
		}
		if err := d.journal.Place(); err != nil {
			return diskError(err)
		}
	}
	m.done()
	return d.place(ctx, r)
}

// fill writes the stage: files, then links, so that no file is ever written through a link. What an earlier session left
// and turns out to be wrong is fetched once more.
func (d *destination) fill(ctx context.Context, r *Reader, f Frames, m *meter) error {
	if err := d.pass(ctx, r, f, m, func(*File) bool { return true }); err != nil {
		return err
	}
	if again := maps.Clone(d.redo); len(again) > 0 {
		if err := d.pass(ctx, r, f, m, func(f *File) bool { return again[f.Path] }); err != nil {
			return err
		}
	}
	if err := d.damage.Err(); err != nil {
		return err
	}
	return r.Files(ctx, d.symlink)
}

// pass fetches and proves the files that are wanted and picked.
func (d *destination) pass(ctx context.Context, r *Reader, f Frames, m *meter, picked func(*File) bool) error {
	v := newProver(d)
	x, err := newExtractor(r, f, m, func(t *target) error { return d.finish(t, v) })
	if err != nil {
		return err
	}
	x.wrote = v.wrote
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	v.start(ctx, cancel)
	err = x.run(ctx, func(ctx context.Context) error {
		return r.Files(ctx, func(f File) error {
			if !d.wanted(f.Path) || !picked(&f) {
				return nil
			}
			return d.content(ctx, x, f)
		})
	})
	proofErr := v.stop()
	d.closeOpen()
	if err == nil {
		err = proofErr
	}
	return err
}

// content makes directories and begins with files; links come later.
func (d *destination) content(ctx context.Context, x *extractor, f File) error {
	switch {
	case f.Type == manifest.Directory:
		return d.makeDir(f.Path)
	case f.Type == manifest.Symlink, d.second(&f), d.same[f.Path]:
		return nil
	}
	t, err := d.create(&f)
	if err != nil {
		return err
	}
	d.opened(t)
	if err := d.takeIn(ctx, t); err != nil {
		return err
	}
	return x.add(ctx, t)
}

// second reports whether a file is another name of one that is restored as well.
func (d *destination) second(f *File) bool { return f.SameFile != "" && d.wanted(f.SameFile) }

// symlink makes a symlink in the stage.
func (d *destination) symlink(f File) error {
	if f.Type != manifest.Symlink || !d.wanted(f.Path) {
		return nil
	}
	if d.summary.Resumed { // it may be there; anything else at its place makes the next call fail
		if info, err := d.stage.Lstat(f.Path); err == nil && info.Mode()&os.ModeSymlink != 0 {
			if err := d.stage.Remove(f.Path); err != nil {
				return diskError(err)
			}
		}
	}
	if err := d.withParent(f.Path, func() error { return d.stage.Symlink(f.Target, f.Path) }); err != nil {
		return err
	}
	if !d.owner {
		return nil
	}
	uid, gid := d.ids.of(&f)
	return diskError(d.stage.Lchown(f.Path, uid, gid))
}

// wanted reports whether a pattern matches the path or a directory that it is in.
func (d *destination) wanted(p string) bool {
	if len(d.Only) == 0 {
		return true
	}
	for ; p != "."; p = path.Dir(p) {
		for _, pattern := range d.Only {
			if doublestar.MatchUnvalidated(pattern, p) {
				return true
			}
		}
	}
	return false
}

// finish hands a file whose content was written to those who prove it.
func (d *destination) finish(t *target, v *prover) error {
	d.closed(t)
	err := t.out.Truncate(t.Size)
	if err == nil {
		err = syncFile(t.out.File)
	}
	if closeErr := t.out.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err != nil:
		return fmt.Errorf("%q: %w", t.Path, diskError(err))
	case t.flaw != "":
		d.flawed(t)
		return nil
	}
	return v.add(t)
}

// flawed notes a file that is wrong. What an earlier session has left is not the artifact's fault: it is fetched again.
func (d *destination) flawed(t *target) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.from > 0 && !d.redo[t.Path] {
		d.redo[t.Path] = true
		return
	}
	d.damage.damage(t.Path, t.flaw)
}

// fileMode converts permissions; setuid, setgid and sticky have other places in os.FileMode.
func fileMode(m manifest.Mode) os.FileMode {
	mode := os.FileMode(m & 0o777)
	if m&0o4000 != 0 {
		mode |= os.ModeSetuid
	}
	if m&0o2000 != 0 {
		mode |= os.ModeSetgid
	}
	if m&0o1000 != 0 {
		mode |= os.ModeSticky
	}
	return mode
}
