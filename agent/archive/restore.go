package archive

import (
	"context"
	"fmt"
	"os"
	"path"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// RestoreOptions say where Restore puts what.
type RestoreOptions struct {
	To       string   // made when it does not exist; must be empty
	Only     []string // doublestar patterns; a directory that matches brings all that is in it. Empty: everything
	Owner    bool     // restore owners; always done when running as root
	Progress func(Progress)
}

// Restore gives back what is in the artifact, and proves each file on the way. Owners are found by name where this host
// knows the name, else by number. While it works, and for ever after a failure, the directory holds a file
// .drydock-incomplete that says so. Nothing is written outside To, whatever the manifest says. Damaged files do not keep
// the others from being restored; the error, of kind errs.Corrupt, names them. f is not needed for artifacts that are not
// compressed.
func Restore(ctx context.Context, src Source, f Frames, o RestoreOptions) (Summary, error) {
	for _, p := range o.Only {
		if !doublestar.ValidatePattern(p) {
			return Summary{}, errs.New(errs.Invalid, "restore: pattern %q is not valid", p)
		}
	}
	r, err := Open(ctx, src)
	if err != nil {
		return Summary{}, err
	}
	d, err := newDestination(o, r.header)
	if err != nil {
		return Summary{}, fmt.Errorf("restore to %q: %w", o.To, err)
	}
	defer d.close()
	if err := d.fill(ctx, r, f); err != nil {
		return Summary{}, fmt.Errorf("restore to %q (it is incomplete and marked so): %w", o.To, err)
	}
	d.summary.ManifestSHA256, d.summary.ArtifactBytes, d.summary.Entries = r.sha, src.Size(), r.end.Entries
	return d.summary, nil
}

// fill does the work in the order that makes it safe: files, then links, so that no file is ever written through a link;
// then what a directory looks like, because its content changes that; then everything to the disk; then the mark goes.
func (d *destination) fill(ctx context.Context, r *Reader, f Frames) error {
	x, err := newExtractor(r, f, &meter{report: d.Progress}, d.finish)
	if err != nil {
		return err
	}
	err = x.run(ctx, func(ctx context.Context) error {
		return r.Files(ctx, func(f File) error { return d.content(ctx, x, f) })
	})
	d.closeOpen()
	if err != nil {
		return err
	}
	if err := r.Files(ctx, d.link); err != nil {
		return err
	}
	if d.picked == 0 && len(d.Only) > 0 {
		return errs.New(errs.NotFound, "no entry matches %q", d.Only)
	}
	if err := d.damage.Err(); err != nil {
		return err
	}
	if err := d.directories(); err != nil {
		return err
	}
	x.meter.done()
	return d.complete(r.header.Root)
}

// content restores directories and files; links come later.
func (d *destination) content(ctx context.Context, x *extractor, f File) error {
	if !d.wanted(f.Path) {
		return nil
	}
	d.picked++
	switch f.Type {
	case manifest.Directory:
		d.summary.Dirs++
		d.dirs = append(d.dirs, f)
		return d.makeDir(f.Path)
	case manifest.Symlink:
		return nil
	}
	if f.SameFile != "" && d.wanted(f.SameFile) {
		return nil
	}
	out, err := d.create(f.Path)
	if err != nil {
		return err
	}
	t := &target{File: f, out: out}
	d.opened(t)
	return x.add(ctx, t)
}

// link restores symlinks and second names.
func (d *destination) link(f File) error {
	if !d.wanted(f.Path) {
		return nil
	}
	switch {
	case f.Type == manifest.Symlink:
		d.summary.Symlinks++
		if err := d.withParent(f.Path, func() error { return d.root.Symlink(f.Target, f.Path) }); err != nil {
			return err
		}
		return d.ownLink(&f)
	case f.SameFile != "" && d.wanted(f.SameFile):
		d.summary.Files++
		d.summary.Bytes += f.Size
		return d.withParent(f.Path, func() error { return d.root.Link(f.SameFile, f.Path) })
	}
	return nil
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

// finish gives a file its final look, after its content was proved.
func (d *destination) finish(t *target) error {
	d.done(t)
	err := d.look(t)
	if closeErr := t.out.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = d.root.Chtimes(t.Path, t.MTime.Time(), t.MTime.Time())
	}
	if err != nil {
		return fmt.Errorf("%q: %w", t.Path, diskError(err))
	}
	if t.flaw != "" {
		d.damage.damage(t.Path, t.flaw)
		return nil
	}
	d.summary.Files++
	d.summary.Bytes += t.Size
	return nil
}

func (d *destination) look(t *target) error {
	if err := t.out.Truncate(t.Size); err != nil {
		return err
	}
	if d.owner {
		uid, gid := d.ids.of(&t.File)
		if err := t.out.Chown(uid, gid); err != nil {
			return err
		}
	}
	if err := t.out.Chmod(fileMode(t.Mode)); err != nil {
		return err
	}
	return syncFile(t.out)
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
