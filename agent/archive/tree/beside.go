package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
)

// walkOutside archives what the server keeps outside the data directory and no link has led to.
func (w *walker) walkOutside() error {
	for _, p := range w.Config.Outside {
		if err := w.outside(p); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) outside(p string) error {
	if !filepath.IsAbs(p) {
		w.refuse(p, "is not an absolute path", "report this: the server named it as outside the data directory")
		return nil
	}
	if pattern, ok := excluded(w.Exclude, filepath.ToSlash(p), p); ok {
		w.skip(p, "excluded by "+pattern)
		return nil
	}
	real, err := filepath.EvalSymlinks(p)
	if errors.Is(err, fs.ErrNotExist) {
		w.refuse(p, "is used by the server but does not exist", "look why; if it is not needed name it in exclude")
		return nil
	}
	if err != nil {
		return w.trouble(p, p, err)
	}
	if within(w.RootPath, real) {
		return nil // it was walked with the rest
	}
	if entry, ok := w.entryOf(real); ok {
		w.addOutside(p, entry)
		return nil
	}
	if within(real, w.RootPath) {
		w.refuse(p, "holds the data directory itself", "move one of the two, or name it in exclude")
		return nil
	}
	entry := fmt.Sprintf("%s/%04d/%s", manifest.Outside, len(w.Result.Outside), filepath.Base(real))
	w.addOutside(p, entry)
	return w.beside(entry, real)
}

// entryOf returns where something outside is archived already.
func (w *walker) entryOf(real string) (string, bool) {
	if entry, ok := w.files[real]; ok {
		return entry, true
	}
	for other, entry := range w.dirs {
		if within(other, real) {
			return path.Join(entry, relative(other, real)), true
		}
	}
	return "", false
}

func (w *walker) addOutside(p, entry string) {
	w.Result.Outside = append(w.Result.Outside, manifest.OutsidePath{Path: p, Entry: entry})
}

// beside archives a file or directory from outside as entry, without what was archived before.
func (w *walker) beside(entry, real string) error {
	st, err := Lstat(real)
	if err != nil {
		return w.trouble(real, real, err)
	}
	if w.leftOut(dir{entry, real}, st) {
		return nil
	}
	w.taken = map[string]bool{}
	for _, archived := range []map[string]string{w.dirs, w.files} {
		for p := range archived {
			w.taken[p] = true
		}
	}
	sub, err := w.add(Node{Path: entry, Stat: st, Origin: real}, real)
	if err != nil {
		return err
	}
	if sub == nil {
		w.files[real] = entry
		return nil
	}
	w.dirs[real] = entry
	return w.run(*sub)
}
