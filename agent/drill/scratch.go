package drill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/drydock-backup/drydock/agent/durable"
	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/process"
)

const (
	prefix     = "drill-"
	serverFile = "server.json" // process.ID of the server
	tryLock    = 100 * time.Millisecond
	killLimit  = 30 * time.Second
)

// Scratch is the directory of one drill. It is locked: the next drill can tell one that is used from what a dead one left.
type Scratch struct {
	Dir  string
	lock *instance.Lock
}

// Open makes a scratch directory below parent, and cleans up what dead drills have left there.
func Open(ctx context.Context, parent string) (*Scratch, error) {
	if err := durable.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	if err := Sweep(ctx, parent); err != nil {
		return nil, fmt.Errorf("clean up after an earlier drill: %w", err)
	}
	dir, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, err
	}
	lock, err := instance.LockDataDir(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return &Scratch{Dir: dir, lock: lock}, nil
}

// Data is where the backup is restored to.
func (s *Scratch) Data() string { return filepath.Join(s.Dir, "data") }

// Close removes the directory with all that is in it.
func (s *Scratch) Close() error { return errors.Join(os.RemoveAll(s.Dir), s.lock.Release()) }

// Sweep removes the directories of drills below parent that have died, and ends the servers that outlived them. One that goes
// on is left alone.
func Sweep(ctx context.Context, parent string) error {
	dirs, err := filepath.Glob(filepath.Join(parent, prefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := sweepOne(ctx, dir); err != nil {
			return err
		}
	}
	return nil
}

func sweepOne(ctx context.Context, dir string) error {
	brief, cancel := context.WithTimeout(ctx, tryLock)
	defer cancel()
	lock, err := instance.LockDataDir(brief, dir)
	switch {
	case errors.Is(err, instance.ErrLocked), errors.Is(err, fs.ErrNotExist):
		return nil // in use, or just removed
	case err != nil:
		return err
	}
	if err := endServer(ctx, dir); err != nil {
		return errors.Join(err, lock.Release())
	}
	return errors.Join(os.RemoveAll(dir), lock.Release())
}

// endServer kills the server that a dead drill has started, if it lives: the process is told from another one that got its
// number by when it began.
func endServer(ctx context.Context, dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, serverFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var id process.ID
	if err != nil || json.Unmarshal(text, &id) != nil || id.Start == "" || !id.Alive() {
		return err // cut off by the same death, before the server did anything
	}
	if p, err := os.FindProcess(id.PID); err == nil {
		_ = p.Kill()
	}
	ctx, cancel := context.WithTimeout(ctx, killLimit)
	defer cancel()
	for id.Alive() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not end: %w", process.Describe(id.PID), ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}
