package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/innodb"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/host"
)

// VerifyOptions say what is verified, and how deep.
type VerifyOptions struct {
	Backup  string // id or Latest
	Target  string // label; "" means the first that holds it
	Deep    bool   // also every file in the artifact
	Keys    Keys   // for a sealed backup, when Deep; may be nil
	Observe func(Event)
}

// VerifyReport is what a verification found. Its JSON keys are a contract.
type VerifyReport struct {
	Backup    string           `json:"backup"`
	Target    string           `json:"target"`
	Key       string           `json:"key"`
	Chunks    int              `json:"chunks"`
	Bytes     int64            `json:"bytes"`
	Deep      bool             `json:"deep"`
	Files     int64            `json:"files,omitempty"`
	DataBytes int64            `json:"data_bytes"`
	Damaged   []archive.Damage `json:"damaged"` // since the backup was made

	// What was wrong with the database already: numbers as the manifest has them, or with Deep as they are found now.
	Pages        *innodb.Totals         `json:"pages,omitempty"`         // nil when pages were not checked
	DamagedPages []archive.DamagedPages `json:"damaged_pages,omitempty"` // with Deep: the first hundred files
}

// Verify reads a stored backup and compares it with its manifest. What is damaged is in the report, and the error holds
// ErrDamaged. Of a database that had damaged pages already it holds ErrDamagedSource.
func (a *Agent) Verify(ctx context.Context, j job.Job, o VerifyOptions) (VerifyReport, error) {
	b, err := a.find(ctx, j, o.Backup, o.Target)
	if err != nil {
		return VerifyReport{}, err
	}
	m := b.manifest
	rep := VerifyReport{Backup: b.ID, Target: b.Target, Key: b.Key, Chunks: len(m.Chunks), Bytes: m.Size,
		DataBytes: m.DataBytes, Deep: o.Deep, Damaged: []archive.Damage{}, Pages: m.Pages}
	how := byDigests
	if b.Damage != "" { // it is known to be cut short, or gone: there is nothing to be compared
		rep.Damaged = append(rep.Damaged, archive.Damage{Path: b.Key, Reason: b.Damage})
		return rep, a.keepResult(ctx, b, how, rep.verdict())
	}
	tale := &story{run: b.ID, observe: o.Observe, clock: a.now}
	if err := a.verifyChunks(ctx, b, tale, &rep); err != nil {
		return rep, err
	}
	if o.Deep {
		how = byContent
		if err := a.verifyFiles(ctx, j, b, o.Keys, tale, &rep); err != nil {
			return rep, err
		}
	}
	return rep, a.keepResult(ctx, b, how, rep.verdict())
}

func (rep *VerifyReport) verdict() error {
	var failed []error
	if len(rep.Damaged) > 0 {
		failed = append(failed, &hinted{fmt.Errorf("%w: %s at target %q", ErrDamaged, rep.Backup, rep.Target), otherCopy})
	}
	if rep.Pages != nil && rep.Pages.Damaged > 0 {
		failed = append(failed, damagedSource(*rep.Pages, rep.DamagedPages))
	}
	return errors.Join(failed...)
}

func (a *Agent) verifyChunks(ctx context.Context, b Backup, tale *story, rep *VerifyReport) error {
	o := ship.Options{Log: a.o.Log, Progress: func(label string, n int64) { tale.progress("digests", label, n, b.Bytes) }}
	err := ship.Verify(ctx, b.from, b.Key, b.manifest.SpoolChunks(), o)
	if errs.Is(err, errs.Corrupt) || errs.Is(err, errs.NotFound) {
		rep.Damaged = append(rep.Damaged, archive.Damage{Path: b.Key, Reason: err.Error()})
		return nil
	}
	return err
}

// verifyFiles looks at every file. Bytes that are not what they should be are damage; any other error is one.
func (a *Agent) verifyFiles(ctx context.Context, j job.Job, b Backup, keys Keys, tale *story, rep *VerifyReport) error {
	err := a.lookAtFiles(ctx, j, b, keys, tale, rep)
	if errs.Is(err, errs.Corrupt) {
		rep.Damaged = append(rep.Damaged, archive.Damage{Path: b.Key, Reason: err.Error()})
		return nil
	}
	return err
}

func (a *Agent) lookAtFiles(ctx context.Context, j job.Job, b Backup, keys Keys, tale *story, rep *VerifyReport) (err error) {
	src, damage, err := a.source(ctx, j, b, keys)
	if err != nil {
		return err
	}
	if damage != nil {
		rep.Damaged = append(rep.Damaged, archive.Damage{Path: b.Key, Reason: damage.Error()})
	}
	r, err := archive.Open(ctx, src)
	if err != nil {
		return openError(b, fmt.Errorf("open %s at target %q: %w", b.Key, b.Target, err))
	}
	f, err := a.framesOf(ctx, b, r.Header())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	found, err := r.Verify(ctx, frames{f}, archive.VerifyOptions{
		Pages:    storedHints(b.manifest),
		Progress: func(p archive.Progress) { tale.progress("files", b.Target, p.Bytes, b.DataBytes) },
	})
	rep.Files = found.Files
	rep.Damaged = append(rep.Damaged, found.Damaged...)
	if found.Pages != nil {
		rep.Pages, rep.DamagedPages = found.Pages, found.DamagedPages
	}
	return err
}

// source opens the Data.zip of a backup where it is stored, unsealed if it is sealed. damage is what is wrong although it can
// be read.
func (a *Agent) source(ctx context.Context, j job.Job, b Backup, keys Keys) (src archive.Source, damage, err error) {
	stored, err := a.stored(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	return a.unsealed(ctx, j, b, stored, keys)
}

func (a *Agent) stored(ctx context.Context, b Backup) (*ship.Object, error) {
	if err := b.sound(); err != nil {
		return nil, err
	}
	return ship.Open(ctx, b.from, b.Key, ship.Options{Log: a.o.Log})
}

func (a *Agent) unsealed(ctx context.Context, j job.Job, b Backup, stored *ship.Object, keys Keys) (
	src archive.Source, damage, err error) {
	if !b.manifest.Sealed {
		return stored, nil, nil
	}
	return unseal(ctx, b, stored, keys, j)
}

// framesOf starts the compressor that a backup was made with, with room for frames as large as its.
func (a *Agent) framesOf(ctx context.Context, b Backup, h archive.Header) (*host.Frames, error) {
	p := job.Provider{Type: b.manifest.Compressor, Config: job.Config("{}")}
	f, err := a.o.Plugins.Frames(ctx, p, host.FrameOptions{FrameSize: max(frameSize, h.FrameSize), Slots: frameSlots()})
	return f, openError(b, err)
}
