package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/drydock-backup/drydock/agent/archive/journal"
	"github.com/drydock-backup/drydock/agent/archive/tree"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// What a restore keeps in its directory while it works. Files are written below Staging/files and proven there; only then
// do they move to their places, which are all on the same file system. A server that is started on the directory before
// that finds none of them. What no server starts without (see vital) moves first to Staging/held, and from there to its
// place as the very last: so no mixture of old and new looks like a data directory either.
const (
	// Staging is the directory that a restore works in.
	Staging = ".drydock-restore"

	stagedFiles   = "files"
	stagedHeld    = "held"
	stagedRemoved = "removed"
)

// vital are the entries of a data directory without which no server starts: the system schema, and MySQL's dictionary.
func vital() []string { return []string{"mysql", "mysql.ibd"} }

// ours reports whether a name in the directory is no part of the data.
func ours(name string) bool { return name == Staging || name == tree.Marker || name == "lost+found" }

// takeUp looks at the directory, if it exists, and changes nothing. It opens the journal of an unfinished restore of the
// same, and refuses a directory with anything else in it.
func (d *destination) takeUp(identity journal.Identity) error {
	info, err := os.Stat(d.To)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !info.IsDir():
		return errs.New(errs.Exists, "it is not a directory")
	}
	if d.root, err = os.OpenRoot(d.To); err != nil {
		return diskError(err)
	}
	j, err := journal.Open(filepath.Join(d.To, tree.Marker), identity)
	var other *journal.OtherError
	switch {
	case err == nil:
		d.journal, d.done, d.summary.Resumed = j, j.Done(), true
	case errors.As(err, &other), errors.Is(err, journal.ErrFormat):
		return errs.New(errs.Exists, "it holds an unfinished restore (%s); finish that one, or remove the directory", err)
	case !errors.Is(err, fs.ErrNotExist):
		return diskError(err)
	}
	if d.Delta || d.placing() {
		return nil
	}
	return d.empty()
}

// placing reports whether an earlier session has proven every file.
func (d *destination) placing() bool { return d.journal != nil && d.journal.Placing() }

// prepare makes the directory, marks it and makes the stage.
func (d *destination) prepare(identity journal.Identity) (err error) {
	if d.root == nil {
		if err := os.MkdirAll(d.To, 0o700); err != nil {
			return diskError(err)
		}
		if d.root, err = os.OpenRoot(d.To); err != nil {
			return diskError(err)
		}
	}
	if d.journal == nil {
		text := fmt.Sprintf("drydock is restoring backup %s here, or did not get to the end of it.\n"+
			"While this file exists the directory is not a whole data directory: do not start a server on it.\n"+
			"The same command goes on where it ended.", d.header.Artifact.ID)
		if d.journal, err = journal.Create(filepath.Join(d.To, tree.Marker), text, identity); err != nil {
			return diskError(err)
		}
	}
	for _, name := range []string{"", stagedFiles, stagedHeld, stagedRemoved} {
		if err := d.root.Mkdir(path.Join(Staging, name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return diskError(err)
		}
	}
	d.stage, err = d.root.OpenRoot(path.Join(Staging, stagedFiles))
	return diskError(err)
}

// empty refuses a directory with anything in it that is not ours.
func (d *destination) empty() error {
	names, err := d.names(".")
	for _, name := range names {
		switch {
		case ours(name) && (name != Staging || d.summary.Resumed):
		case d.summary.Resumed:
			return errs.New(errs.Exists, "something else has written %q there since the restore was interrupted; remove it", name)
		default:
			return errs.New(errs.Exists, "it is not empty (it holds %q); choose another directory", name)
		}
	}
	return err
}

// names lists a directory.
func (d *destination) names(p string) ([]string, error) {
	dir, err := d.root.Open(p)
	if err != nil {
		return nil, diskError(err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return names, diskError(err)
}

func (d *destination) syncRoot() error {
	dir, err := d.root.Open(".")
	if err != nil {
		return diskError(err)
	}
	defer dir.Close()
	return diskError(syncDir(dir))
}

// staged is the path of an entry below the root while it is not in its place yet.
func staged(p string) string { return path.Join(Staging, stagedFiles, p) }
