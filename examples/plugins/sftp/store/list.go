package store

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-backup/drydock/sdk/storage"
)

// List walks the directories that can hold keys with the prefix.
func (s *Store) List(ctx context.Context, prefix string, yield func(storage.Object) error) error {
	l := &lister{store: s, prefix: prefix, yield: yield}
	err := l.walk(ctx, ".")
	if l.stopped {
		return err
	}
	return s.fail(err, "list %q", prefix)
}

type lister struct {
	store   *Store
	prefix  string
	yield   func(storage.Object) error
	stopped bool // by yield
}

// walk lists the objects below a directory, in lexical order of their whole keys.
func (l *lister) walk(ctx context.Context, dir string) error {
	entries, err := l.store.readDir(ctx, dir)
	if err != nil {
		return err
	}
	// A directory "a" stands for keys that begin with "a/", which come after the key "a.b".
	slices.SortFunc(entries, func(a, b fs.FileInfo) int { return cmp.Compare(sortKey(a), sortKey(b)) })
	for _, e := range entries {
		if err := l.entry(ctx, path.Join(dir, e.Name()), e); err != nil {
			return err
		}
	}
	return nil
}

func sortKey(e fs.FileInfo) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

func (l *lister) entry(ctx context.Context, key string, e fs.FileInfo) error {
	switch {
	case key == staging:
		return nil
	case e.IsDir() && (strings.HasPrefix(key+"/", l.prefix) || strings.HasPrefix(l.prefix, key+"/")):
		return l.walk(ctx, key)
	case !e.Mode().IsRegular() || !strings.HasPrefix(key, l.prefix) || checkKey(key) != nil:
		return nil
	}
	err := ctx.Err()
	if err == nil {
		if err = l.yield(storage.Object{Key: key, Size: e.Size(), Modified: e.ModTime()}); err != nil {
			l.stopped = true
		}
	}
	return err
}

// readDir reads a directory. One that is gone meanwhile is empty.
func (s *Store) readDir(ctx context.Context, dir string) ([]fs.FileInfo, error) {
	result := make(chan []fs.FileInfo, 1)
	err := s.do(ctx, func(w *work) error {
		entries, err := w.ReadDirContext(w.ctx, w.at(dir))
		if errors.Is(err, fs.ErrNotExist) {
			entries, err = nil, nil
		}
		result <- entries
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-result, nil
}
