package agent

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/job"
)

// RestoreOptions say what is restored where.
type RestoreOptions struct {
	Backup  string   // id or Latest
	Target  string   // label; "" means the first that holds it
	To      string   // directory, which is empty or does not exist
	Only    []string // doublestar patterns; none means everything
	Keys    Keys     // for a sealed backup; may be nil
	Observe func(Event)
}

// RestoreReport is what was restored. Its JSON keys are a contract.
type RestoreReport struct {
	Backup    string `json:"backup"`
	Target    string `json:"target"`
	To        string `json:"to"`
	Files     int64  `json:"files"`
	DataBytes int64  `json:"data_bytes"`
}

// Restore writes a stored backup's files to a directory and verifies every one on the way.
func (a *Agent) Restore(ctx context.Context, j job.Job, o RestoreOptions) (rep RestoreReport, err error) {
	to, err := filepath.Abs(o.To)
	if err != nil {
		return rep, err
	}
	b, err := a.find(ctx, j, o.Backup, o.Target)
	if err != nil {
		return rep, err
	}
	src, damage, err := a.source(ctx, j, b, o.Keys)
	if err != nil {
		return rep, err
	}
	f, err := a.openFrames(ctx, b, src)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	tale := &story{run: b.ID, observe: o.Observe, clock: a.now}
	if damage != nil {
		tale.warn(damage.Error())
	}
	done, err := archive.Restore(ctx, src, frames{f}, archive.RestoreOptions{
		To: to, Only: o.Only,
		Progress: func(p archive.Progress) { tale.progress("restore", b.Target, p.Bytes, b.DataBytes) },
	})
	return RestoreReport{Backup: b.ID, Target: b.Target, To: to, Files: done.Files, DataBytes: done.Bytes}, err
}
