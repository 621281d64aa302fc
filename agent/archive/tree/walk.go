package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/sdk/errs"
)

const (
	batch = 4096 // names of a directory that are held, and sorted, at once

	// Marker is the name of the file that a restore puts into its directory until it is whole.
	Marker = ".drydock-incomplete"
)

// dir is a directory that waits to be read.
type dir struct{ archived, real string }

type inode struct{ dev, ino uint64 }

type walker struct {
	Config
	Result
	ctx      context.Context
	emit     func(Node) error
	stack    []dir
	links    map[inode]string  // files with several names, to the first of them
	dirs     map[string]string // directories outside that are archived: real path to path in the archive
	files    map[string]string // files outside, likewise
	taken    map[string]bool   // real paths that the walk of an outside path passes by, because they are archived
	keyrings map[string]bool   // real paths
	keyInode map[inode]bool
}

// Walk hands every node to emit, parents before children. Result.Refused is for the caller to act on; an error is one
// that ended the walk. It is ErrChanged when something vanished, unless Live is set.
func Walk(ctx context.Context, c Config, emit func(Node) error) (Result, error) {
	if err := CheckPatterns(c.Exclude); err != nil {
		return Result{}, errs.Wrap(errs.Invalid, err, "walk %q", c.Root)
	}
	w := &walker{
		Config: c, ctx: ctx, emit: emit, links: map[inode]string{}, dirs: map[string]string{}, files: map[string]string{},
		keyrings: map[string]bool{}, keyInode: map[inode]bool{},
	}
	if err := w.openRoot(); err != nil {
		return Result{}, fmt.Errorf("walk data directory: %w", err)
	}
	w.findKeyrings()
	if err := w.run(dir{"", w.RootPath}); err != nil {
		return Result{}, err
	}
	if err := w.walkOutside(); err != nil {
		return Result{}, err
	}
	return w.Result, w.archiveKeyrings()
}

func (w *walker) openRoot() error {
	abs, err := filepath.Abs(w.Config.Root)
	if err != nil {
		return err
	}
	if w.RootPath, err = filepath.EvalSymlinks(abs); err != nil {
		return kind(err)
	}
	if w.Result.Root, err = Lstat(w.RootPath); err != nil {
		return kind(err)
	}
	if w.Result.Root.Mode&TypeMask != TypeDir {
		return errs.New(errs.Invalid, "%q is not a directory", w.RootPath)
	}
	return nil
}

// run reads a directory and all below it.
func (w *walker) run(d dir) error {
	w.stack = append(w.stack[:0], d)
	for len(w.stack) > 0 {
		last := len(w.stack) - 1
		d, w.stack = w.stack[last], w.stack[:last]
		if err := w.readDir(d); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) readDir(d dir) error {
	f, err := os.Open(d.real)
	if err != nil {
		return w.trouble(d.archived, d.real, err)
	}
	defer f.Close()
	var subdirs []dir
	for {
		entries, err := f.ReadDir(batch)
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return compare(a.Name(), b.Name()) })
		for _, e := range entries {
			sub, err := w.visit(dir{path.Join(d.archived, e.Name()), filepath.Join(d.real, e.Name())})
			if err != nil {
				return err
			}
			if sub != nil {
				subdirs = append(subdirs, *sub)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return w.trouble(d.archived, d.real, err)
		}
	}
	slices.Reverse(subdirs)
	w.stack = append(w.stack, subdirs...)
	return nil
}

// visit deals with one name and returns the directory to read next when it is one.
func (w *walker) visit(at dir) (*dir, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	if pattern, ok := excluded(w.Exclude, at.archived, at.real); ok {
		w.skip(at.archived, "excluded by "+pattern)
		return nil, nil
	}
	st, err := Lstat(at.real)
	if err != nil {
		return nil, w.trouble(at.archived, at.real, err)
	}
	if w.leftOut(at, st) {
		return nil, nil
	}
	if st.Mode&TypeMask == TypeLink {
		return w.visitLink(at, st)
	}
	n := Node{Path: at.archived, Stat: st}
	if at.real != n.Real(w.RootPath) {
		n.Origin = at.real
	}
	return w.add(n, at.real)
}

// leftOut deals with reserved names, keyrings, and what is archived in another place.
func (w *walker) leftOut(at dir, st Stat) bool {
	switch {
	case at.archived == manifest.Reserved:
		w.refuse(at.archived, "is a name that drydock reserves for itself", "move it away, or exclude \".drydock\"")
	case at.archived == Marker:
		w.refuse(at.archived, "marks an unfinished restore", "this is not a whole data directory; remove the file if it is one")
	case w.isKeyring(at.real, st):
		if w.IncludeKeyring {
			return false
		}
		w.skip(at.archived, "keyring")
	case w.taken[at.real]:
		w.skip(at.real, "archived where a link to it stands")
	default:
		return false
	}
	return true
}

// add emits a directory or a regular file, and refuses everything else.
func (w *walker) add(n Node, real string) (*dir, error) {
	switch n.Stat.Mode & TypeMask {
	case TypeDir:
		n.Type = manifest.Directory
		n.Stat.Size = 0
		w.Totals.Dirs++
		return &dir{n.Path, real}, w.emit(n)
	case TypeRegular:
		if err := readable(real); err != nil {
			return nil, w.trouble(n.Path, real, err)
		}
		n.Type = manifest.Regular
		w.nameInode(&n)
		w.Totals.Files++
		w.Totals.Bytes += n.Stat.Size
		w.Totals.Allocated += n.Stat.Allocated
		return nil, w.emit(n)
	}
	w.refuse(n.Path, "is a "+special(n.Stat.Mode), "remove it, or name it in exclude")
	return nil, nil
}

func (w *walker) nameInode(n *Node) {
	if n.Stat.Links < 2 {
		return
	}
	key := inode{n.Stat.Dev, n.Stat.Ino}
	if first, ok := w.links[key]; ok {
		n.SameFile = first
		return
	}
	w.links[key] = n.Path
}

func special(mode uint32) string {
	switch mode & TypeMask {
	case 0o140000:
		return "socket"
	case 0o010000:
		return "fifo"
	case 0o060000, 0o020000:
		return "device"
	}
	return fmt.Sprintf("file of unknown type %o", mode)
}
