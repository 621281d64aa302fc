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
	for other, entry := range w.followed {
		if within(other, real) {
			w.addOutside(p, path.Join(entry, relative(other, real)))
			return nil
		}
	}
	if within(real, w.RootPath) {
		w.refuse(p, "holds the data directory itself", "move one of the two, or name it in exclude")
		return nil
	}
	entry := fmt.Sprintf("%s/%04d/%s", manifest.Outside, len(w.Result.Outside), filepath.Base(real))
	w.addOutside(p, entry)
	return w.beside(entry, real, true)
}

func (w *walker) addOutside(p, entry string) {
	w.Result.Outside = append(w.Result.Outside, manifest.OutsidePath{Path: p, Entry: entry})
}

// beside archives a file or directory from outside as entry. own says that nothing else may archive it again.
func (w *walker) beside(entry, real string, own bool) error {
	st, err := Lstat(real)
	if err != nil {
		return w.trouble(real, real, err)
	}
	if own && w.leftOut(dir{entry, real}, st) {
		return nil
	}
	sub, err := w.add(Node{Path: entry, Stat: st, Origin: real}, real)
	if err != nil || sub == nil {
		w.followed[real] = entry
		return err
	}
	err = w.run(*sub)
	w.followed[real] = entry
	return err
}
