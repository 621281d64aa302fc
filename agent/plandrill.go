package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/drydock-backup/drydock/agent/drill"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/step"
)

// PlanDrill is what would come of the job's drill.
type PlanDrill struct {
	Due        bool      `json:"due"` // a run that begins now would make one
	LastProven time.Time `json:"last_proven,omitzero"`
	Server     string    `json:"server,omitempty"` // version of the server that would be started; empty when none fits
	Program    string    `json:"program,omitempty"`
	ScratchDir string    `json:"scratch_dir"`
	Free       int64     `json:"free"` // bytes there
}

// planDrill looks whether a drill is due, and whether it could be made.
func (a *Agent) planDrill(ctx context.Context, b *step.Backup, p *Plan) error {
	last := a.lastProven(b.Job.Name)
	d := &PlanDrill{Due: drillDue(b.Job.Verify.Drill, last, b.Started), LastProven: last, ScratchDir: a.scratchDir(b.Job)}
	p.Drill = d
	program, v, err := fittingServer(ctx, b.Job, b.Survey.Facts, "")
	if err == nil {
		d.Server, d.Program = v.String(), program
	}
	if !d.Due {
		return nil
	}
	p.Steps = append(p.Steps, "drill it: restore it to "+d.ScratchDir+" and start a server on it")
	if errors.Is(err, drill.ErrNoServer) {
		p.Warnings = append(p.Warnings, "a drill is due and cannot be made: "+withHint(err))
	} else if err != nil {
		return err
	}
	if _, err := scratchParent(d.ScratchDir); err != nil {
		p.Warnings = append(p.Warnings, "a drill is due and cannot be made: "+withHint(err))
	}
	if d.Free, err = spool.FreeSpace(existing(d.ScratchDir)); err != nil {
		return err
	}
	if need := b.Survey.Inventory.Allocated + drillRoom; d.Free < need {
		p.Warnings = append(p.Warnings, fmt.Sprintf("a drill is due and cannot be made: it needs %d bytes in %s, where %d are free",
			need, d.ScratchDir, d.Free))
	}
	return nil
}

// existing is the directory itself, or the lowest above it that exists.
func existing(dir string) string {
	for up := filepath.Dir(dir); up != dir; dir, up = up, filepath.Dir(up) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return dir
}
