package tree

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
)

// visitLink keeps a link that stays inside, and follows one that leaves.
func (w *walker) visitLink(at dir, st Stat) (*dir, error) {
	text, err := os.Readlink(at.real)
	if err != nil {
		return nil, w.trouble(at.archived, at.real, err)
	}
	resolved, err := filepath.EvalSymlinks(at.real)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, w.trouble(at.archived, at.real, err)
	case errors.Is(err, fs.ErrNotExist):
		return nil, w.dangling(at, st, text)
	case err != nil:
		w.refuse(at.archived, "is a symlink that leads nowhere: "+err.Error(), "remove it, or name it in exclude")
		return nil, nil
	}
	if target, ok := w.archivedAt(at, text, resolved); ok {
		return nil, w.keepLink(at, st, target)
	}
	return w.follow(at, text, resolved)
}

// archivedAt returns the path in the archive of what a link points to, when it is there anyway.
func (w *walker) archivedAt(at dir, text, resolved string) (string, bool) {
	if within(w.RootPath, resolved) {
		if next := step(at, text); within(w.RootPath, next) {
			return relative(w.RootPath, next), true
		}
		return relative(w.RootPath, resolved), true
	}
	for other, entry := range w.dirs {
		if within(other, resolved) {
			return path.Join(entry, relative(other, resolved)), true
		}
	}
	return "", false
}

// step returns where a link's text leads, by name alone.
func step(at dir, text string) string {
	if filepath.IsAbs(text) {
		return filepath.Clean(text)
	}
	return filepath.Join(filepath.Dir(at.real), text)
}

func (w *walker) dangling(at dir, st Stat, text string) error {
	if next := step(at, text); within(w.RootPath, next) {
		return w.keepLink(at, st, relative(w.RootPath, next))
	}
	if w.Live {
		if _, err := os.Lstat(at.real); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	w.refuse(at.archived, "is a symlink to "+text+", which does not exist", "remove it, or name it in exclude")
	return nil
}

// keepLink emits a link to a path in the archive, relative whatever it was.
func (w *walker) keepLink(at dir, st Stat, to string) error {
	target, err := filepath.Rel("/"+path.Dir(at.archived), "/"+to)
	if err != nil {
		return err
	}
	n := Node{Path: at.archived, Type: manifest.Symlink, Stat: st, Target: filepath.ToSlash(target)}
	n.Stat.Size = int64(len(n.Target))
	if at.real != n.Real(w.RootPath) {
		n.Origin = at.real
	}
	w.Totals.Symlinks++
	return w.emit(n)
}

// follow archives what a link points to in the place of the link.
func (w *walker) follow(at dir, text, resolved string) (*dir, error) {
	st, err := Lstat(resolved)
	if err != nil {
		return nil, w.trouble(at.archived, resolved, err)
	}
	if w.leftOut(dir{at.archived, resolved}, st) {
		return nil, nil
	}
	if st.Mode&TypeMask != TypeDir {
		w.files[resolved] = at.archived
	} else if other, ok := w.holds(resolved); ok {
		w.refuse(at.archived, "is a symlink to "+resolved+", which holds "+other+", archived already",
			"let one of the two be, and name the other in exclude")
		return nil, nil
	} else {
		w.dirs[resolved] = at.archived
	}
	return w.add(Node{Path: at.archived, Stat: st, Followed: text, Origin: resolved}, resolved)
}

// holds finds a directory in p that is archived, so that no walk goes round in circles.
func (w *walker) holds(p string) (string, bool) {
	if within(p, w.RootPath) {
		return w.RootPath, true
	}
	for other := range w.dirs {
		if within(p, other) {
			return other, true
		}
	}
	return "", false
}
