package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/plugin"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// useLater is what to do about a format that this drydock does not know.
const useLater = "it was made by a later drydock: use that version, or one after it"

// ErrNewer is in the chain when a backup is of a format that only a later drydock reads.
var ErrNewer = errors.New("the backup is of a newer format")

func newerError(b Backup) error {
	if b.Newer == 0 {
		return nil
	}
	return &hinted{fmt.Errorf("%w: %s at target %q has version %d of the manifest", ErrNewer, b.Key, b.Target, b.Newer), useLater}
}

// shownStrays is how many artifacts without a manifest an error names.
const shownStrays = 5

// missing is the error of a backup that is not there, with what is there and could be meant.
func (a *Agent) missing(ctx context.Context, j job.Job, id string, all []Backup) error {
	text, hint := fmt.Sprintf("%s of job %q", id, j.Name), "drydock backups lists what the targets hold"
	for _, b := range all {
		if b.manifest == nil && b.Damage != "" {
			text += fmt.Sprintf("; at target %q there is one whose manifest cannot be read: %s", b.Target, b.Damage)
		}
	}
	if strays := a.strays(ctx, j); len(strays) > 0 {
		text += "; there are artifacts without a manifest: " + strings.Join(strays[:min(shownStrays, len(strays))], ", ")
		if more := len(strays) - shownStrays; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		hint += ". An artifact without a manifest is no backup: its run did not get to the end, or the manifest was deleted. What " +
			"is in it can be had by hand: drydock open opens a sealed one, 7-Zip or unzip the Data.zip"
	}
	return &hinted{fmt.Errorf("%w: %s", ErrNoBackup, text), hint}
}

// strays names the artifacts without a manifest. A target that cannot be asked has been told of already.
func (a *Agent) strays(ctx context.Context, j job.Job) (found []string) {
	targets, err := a.openTargets(ctx, j)
	if err != nil {
		return nil
	}
	for _, t := range targets {
		keys, err := ship.Strays(ctx, t, ship.Options{Log: a.o.Log})
		if err != nil {
			a.o.Log.Warn("look for artifacts without a manifest", "target", t.Label, "error", err)
		}
		for _, key := range keys {
			found = append(found, fmt.Sprintf("%s at target %q", key, t.Label))
		}
	}
	return found
}

// sound refuses a copy that is known not to be what its manifest says, such as one that was cut short.
func (b Backup) sound() error {
	if b.Damage == "" {
		return nil
	}
	err := fmt.Errorf("%w: %s at target %q: %s", ErrDamaged, b.ID, b.Target, b.Damage)
	return &hinted{&errs.Error{Kind: errs.Corrupt, Err: err}, otherCopy}
}

// otherCopy is what to do about a damaged backup.
const otherCopy = "drydock backups lists the copies at other targets (--target chooses one) and earlier backups; " +
	"keep this one until another is proven"

// openError tells what to do about an artifact that cannot be read here.
func openError(b Backup, err error) error {
	var unknown *plugin.UnknownProviderError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, archive.ErrNewer):
		return &hinted{fmt.Errorf("%w: %w", ErrNewer, err), useLater}
	case errors.As(err, &unknown):
		c := b.manifest.Compressor
		return &hinted{fmt.Errorf("backup %s was compressed with %q, which is not installed here: %w", b.ID, c, err), fmt.Sprintf(
			"install drydock-compress-%s in the plugin directory (--plugin-dir) and pin it: drydock plugin lock compress %s", c, c)}
	case errs.Is(err, errs.Corrupt):
		return &hinted{err, otherCopy}
	}
	return err
}
