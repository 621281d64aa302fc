package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/durable"
	"github.com/drydock-backup/drydock/agent/fault"
)

// Sync makes all complete chunks durable: files, directory and the directory's own entry. Chunks that are removed
// meanwhile are left out. See the package comment for when it is needed.
func (s *Spool) Sync(ctx context.Context) error {
	for _, index := range s.indices() {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("sync spool: %w", err)
		}
		err := fault.Around("spool.sync", func() error { return syncFile(s.Path(index)) })
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sync spool: %w", err)
		}
	}
	for _, dir := range []string{s.dir, filepath.Dir(s.dir)} {
		if err := fault.Around("spool.sync-dir", func() error { return durable.SyncDir(dir) }); err != nil {
			return fmt.Errorf("sync spool: %w", err)
		}
	}
	return nil
}

func (s *Spool) indices() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]int, 0, len(s.present))
	for i := range s.present {
		all = append(all, i)
	}
	slices.Sort(all)
	return all
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Destroy removes the spool with all that is in it. The marker goes last, so that a Destroy that was cut short can be
// found and repeated. A spool that is gone already is no error.
func (s *Spool) Destroy() error {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove spool: %w", err)
	}
	for _, e := range entries {
		if e.Name() == marker {
			continue
		}
		if err := os.RemoveAll(filepath.Join(s.dir, e.Name())); err != nil {
			return fmt.Errorf("remove spool: %w", err)
		}
	}
	if err := fault.Around("spool.destroy", func() error { return os.RemoveAll(s.dir) }); err != nil {
		return fmt.Errorf("remove spool: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.present)
	return nil
}

// Leftover is the spool of a run that this process does not know to be alive.
type Leftover struct {
	RunID    string // the directory's name
	Dir      string
	Bytes    int64 // of all files in it
	Modified time.Time
}

// Leftovers lists the spools under root, by run id, for which keep returns false. Directories that are not spools are
// not listed; a root that does not exist has none. Remove one with Open and Destroy.
func Leftovers(root string, keep func(runID string) bool) ([]Leftover, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list spools: %w", err)
	}
	var all []Leftover
	for _, e := range entries {
		l := Leftover{RunID: e.Name(), Dir: filepath.Join(root, e.Name())}
		if !e.IsDir() || keep(l.RunID) {
			continue
		}
		switch isSpool, err := l.measure(); {
		case err != nil:
			return nil, fmt.Errorf("list spools: %w", err)
		case isSpool:
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b Leftover) int { return strings.Compare(a.RunID, b.RunID) })
	return all, nil
}

// measure fills in size and time. It reports false for a directory that is not a spool, or is gone by now.
func (l *Leftover) measure() (bool, error) {
	m, err := os.Stat(filepath.Join(l.Dir, marker))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	l.Modified = m.ModTime()
	entries, err := os.ReadDir(l.Dir)
	if err != nil {
		return false, ignoreGone(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		if info.Mode().IsRegular() {
			l.Bytes += info.Size()
		}
		if info.ModTime().After(l.Modified) {
			l.Modified = info.ModTime()
		}
	}
	return true, nil
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
