package file

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/drydock-backup/drydock/sdk/storage"
)

// List walks the directories that can hold keys with the prefix.
func (s *Storage) List(ctx context.Context, prefix string, yield func(storage.Object) error) error {
	root, err := s.open()
	if err != nil {
		return s.fail(err, "list %q", prefix)
	}
	w := walker{ctx: ctx, root: root, prefix: prefix, yield: yield}
	if err := w.walk("."); err != nil {
		if w.stopped {
			return err
		}
		return s.fail(err, "list %q", prefix)
	}
	return nil
}

type walker struct {
	ctx     context.Context
	root    *os.Root
	prefix  string
	yield   func(storage.Object) error
	stopped bool // by yield
}

// walk lists the objects below a directory, in lexical order of their whole keys.
func (w *walker) walk(dir string) error {
	entries, err := fs.ReadDir(w.root.FS(), dir)
	if err != nil {
		return ignoreMissing(err)
	}
	// A directory "a" stands for keys that begin with "a/", which come after the key "a.b".
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(sortKey(a), sortKey(b)) })
	for _, e := range entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := w.entry(dir, e); err != nil {
			return err
		}
	}
	return nil
}

func sortKey(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

func (w *walker) entry(dir string, e fs.DirEntry) error {
	key := e.Name()
	if dir != "." {
		key = dir + "/" + key
	}
	switch {
	case key == staging:
		return nil
	case e.IsDir() && (strings.HasPrefix(key+"/", w.prefix) || strings.HasPrefix(w.prefix, key+"/")):
		return w.walk(key)
	case !e.Type().IsRegular() || !strings.HasPrefix(key, w.prefix) || checkKey(key) != nil:
		return nil
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	if err := w.yield(storage.Object{Key: key, Size: info.Size(), Modified: info.ModTime()}); err != nil {
		w.stopped = true
		return err
	}
	return nil
}
