package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/durable"
	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/host"
)

// RestoreOptions say what is restored where.
type RestoreOptions struct {
	Backup  string   // id or Latest
	Target  string   // label; "" means the first that holds it
	To      string   // directory, which is empty, does not exist, or holds this restore unfinished
	Only    []string // doublestar patterns; none means everything
	Delta   bool     // make a data directory like the backup: what differs is replaced, what is not in it removed
	Keys    Keys     // for a sealed backup; may be nil
	Observe func(Event)
}

// RestoreReport is what was restored. Its JSON keys are a contract.
type RestoreReport struct {
	Backup       string   `json:"backup"`
	Target       string   `json:"target"`
	To           string   `json:"to"`
	Files        int64    `json:"files"`
	DataBytes    int64    `json:"data_bytes"`
	FilesWritten int64    `json:"files_written"` // the others were there, as they should be
	FilesRemoved int64    `json:"files_removed"` // with Delta: what was there and is not in the backup
	FetchedBytes int64    `json:"fetched_bytes"` // of the artifact, from the target
	Resumed      bool     `json:"resumed"`       // it went on where an earlier one was interrupted
	Next         NextStep `json:"next"`
}

// Restore writes a stored backup's files to a directory and proves every one: it is read back from the disk. An interrupted
// restore goes on when it is called in the same way again. What is damaged is ErrDamaged.
func (a *Agent) Restore(ctx context.Context, j job.Job, o RestoreOptions) (RestoreReport, error) {
	to, err := filepath.Abs(o.To)
	if err != nil {
		return RestoreReport{}, err
	}
	if err := restorable(to); err != nil {
		return RestoreReport{}, fmt.Errorf("restore to %q: %w", to, err)
	}
	b, err := a.find(ctx, j, o.Backup, o.Target)
	if err != nil {
		return RestoreReport{}, err
	}
	return a.restoreFrom(ctx, j, b, to, o)
}

func (a *Agent) restoreFrom(ctx context.Context, j job.Job, b Backup, to string,
	o RestoreOptions) (rep RestoreReport, err error) {
	src, err := a.openStored(ctx, j, b, o.Keys)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, src.frames.Close()) }()
	tale := &story{run: b.ID, observe: o.Observe, clock: a.now}
	if src.damage != nil {
		tale.warn(src.damage.Error())
	}
	if p := b.Pages; p != nil && p.Damaged > 0 {
		tale.warn("when this backup was made, " + damagedSource(*p, nil).Error())
	}
	_, statErr := os.Lstat(to)
	lock, err := lockDestination(ctx, to)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	done, err := src.Restore(ctx, frames{src.frames}, archive.RestoreOptions{
		To: to, Only: o.Only, Delta: o.Delta, Free: spool.FreeSpace, Idle: func() error { return unused(to) },
		Progress: func(p archive.Progress) {
			tale.progress(restorePhase(p), b.Target, p.Bytes, p.TotalBytes)
		},
	})
	err = asDamaged(err)
	if err != nil && statErr != nil {
		_ = os.Remove(to) // only if it is empty: nothing was written there
	}
	if err != nil {
		return rep, err
	}
	return RestoreReport{
		Backup: b.ID, Target: b.Target, To: to, Files: done.Files, DataBytes: done.Bytes, FilesWritten: done.Written,
		FilesRemoved: done.Removed, FetchedBytes: src.fetched(), Resumed: done.Resumed, Next: nextStep(ctx, src.Reader, to, o.Only),
	}, nil
}

func restorePhase(p archive.Progress) string {
	if p.Comparing {
		return "compare"
	}
	return "restore"
}

// stored is an artifact at its target that is read, and the compressor that it was made with.
type stored struct {
	*archive.Reader
	frames  *host.Frames
	fetched func() int64 // bytes
	damage  error        // what is wrong although it can be read
}

// openStored opens a stored artifact. The caller closes its frames.
func (a *Agent) openStored(ctx context.Context, j job.Job, b Backup, keys Keys) (s stored, err error) {
	object, err := a.stored(ctx, b)
	if err != nil {
		return s, err
	}
	s.fetched = object.Fetched
	src, damage, err := a.unsealed(ctx, j, b, object, keys)
	if err != nil {
		return s, asDamaged(err)
	}
	s.damage = damage
	if s.Reader, err = archive.Open(ctx, src); err != nil {
		return s, openError(b, fmt.Errorf("open %s at target %q: %w", b.Key, b.Target, asDamaged(err)))
	}
	s.frames, err = a.framesOf(ctx, b, s.Header())
	return s, err
}

// asDamaged makes what is wrong with the bytes of a backup ErrDamaged as well.
func asDamaged(err error) error {
	if errs.Is(err, errs.Corrupt) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// restorable refuses a directory that a server works on, and one within a data directory.
func restorable(to string) error {
	if err := unused(to); err != nil {
		return err
	}
	if data := dataDirAround(filepath.Dir(to)); data != "" {
		return errs.New(errs.Exists, "it lies within the data directory %q; choose another directory", data)
	}
	return nil
}

// dataDirAround returns the data directory that a directory is, or lies in; "" when there is none.
func dataDirAround(dir string) string {
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		for _, name := range []string{"ibdata1", "mysql.ibd"} {
			if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
				return dir
			}
		}
	}
	return ""
}

// unused returns an error when a process works on a directory.
func unused(dir string) error {
	pid, err := mysql.Holder(dir)
	switch {
	case errs.Is(err, errs.NotFound):
		return nil
	case err != nil:
		return err
	case pid != 0:
		return errs.New(errs.Exists, "%s works on it; stop the server first", mysql.ProcessName(pid))
	}
	return nil
}

// lockDestination makes the directory and keeps other runs of drydock off it.
func lockDestination(ctx context.Context, to string) (*instance.Lock, error) {
	if err := durable.MkdirAll(to, 0o700); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	return instance.LockDataDir(ctx, to)
}
