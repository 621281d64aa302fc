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
	case within(w.RootPath, resolved):
		return nil, w.keepLink(at, st, text, resolved)
	}
	return w.follow(at, text, resolved)
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
		return w.keepLink(at, st, text, next)
	}
	if w.Live {
		if _, err := os.Lstat(at.real); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	w.refuse(at.archived, "is a symlink to "+text+", which does not exist", "remove it, or name it in exclude")
	return nil
}

// keepLink emits a link to a place in the data directory, relative whatever it was.
func (w *walker) keepLink(at dir, st Stat, text, resolved string) error {
	next := step(at, text)
	if !within(w.RootPath, next) {
		next = resolved
	}
	target, err := filepath.Rel("/"+path.Dir(at.archived), "/"+relative(w.RootPath, next))
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
	if st.Mode&TypeMask == TypeDir {
		if other, ok := w.overlaps(resolved); ok {
			w.refuse(at.archived, "is a symlink to "+resolved+", which holds or lies in "+other+", already archived",
				"let one of the two be, and name the other in exclude")
			return nil, nil
		}
	}
	w.followed[resolved] = at.archived
	return w.add(Node{Path: at.archived, Stat: st, Followed: text, Origin: resolved}, resolved)
}

// overlaps finds a directory that is archived and shares files with p, so that no walk goes round in circles.
func (w *walker) overlaps(p string) (string, bool) {
	if within(p, w.RootPath) {
		return w.RootPath, true
	}
	for other := range w.followed {
		if within(other, p) || within(p, other) {
			return other, true
		}
	}
	return "", false
}
