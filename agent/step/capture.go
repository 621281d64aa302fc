package step

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/manifest"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
)

// Capture turns the stopped server's data directory into Data.zip, chunk by chunk in the spool, and has each chunk
// shipped as soon as it is complete.
type Capture struct {
	Backup  *Backup
	Guard   Guard
	Spool   Spool
	Journal Journal
	// Archive writes Data.zip to w.
	Archive func(ctx context.Context, w io.Writer) (archive.Summary, error)
	// Authenticate makes the MAC of the claims of an artifact that is whole; nil when it is not sealed.
	Authenticate func(a Artifact) ([]byte, error)
	// Shipping starts the transfer to every target.
	Shipping func(ctx context.Context) (*ship.Shipment, error)
}

// Spool is where the chunks wait.
type Spool interface {
	Writer(ctx context.Context, chunkSize int64, emit func(spool.Chunk) error) *spool.Writer
	Sync(ctx context.Context) error
	Destroy() error
}

// Name implements run.Step.
func (*Capture) Name() string { return "capture" }

// Do returns when the artifact is whole and on disk; its last chunks may still be on their way to the targets.
func (c *Capture) Do(ctx context.Context) error {
	shipment, err := c.Shipping(ctx)
	if err != nil {
		return err
	}
	c.Backup.Shipment = shipment
	size, chunks, summary, err := c.copy(ctx, shipment)
	if err != nil {
		return err
	}
	shipment.Finish()
	return c.whole(ctx, summary, size, chunks)
}

// copy writes the artifact, within the budget for the downtime.
func (c *Capture) copy(ctx context.Context, shipment *ship.Shipment) (int64, []spool.Chunk, archive.Summary, error) {
	ctx, done := c.Backup.withinBudget(ctx)
	defer done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := c.Spool.Writer(ctx, c.Backup.Artifact.ChunkSize, shipment.Offer)
	summary, err := c.archive(ctx, cancel, w)
	if err != nil {
		w.Abort()
		return 0, nil, summary, c.Backup.overBudget(ctx, err)
	}
	size, chunks, err := w.Finish()
	return size, chunks, summary, c.Backup.overBudget(ctx, err)
}

// archive writes Data.zip while a watch looks for anybody at the files. Whatever ended the writing, a server that is
// back is named: it is the cause, and what the archive found changed is only what came of it.
func (c *Capture) archive(ctx context.Context, cancel context.CancelCauseFunc, w *spool.Writer) (archive.Summary, error) {
	end := c.watch(ctx, cancel)
	summary, err := c.Archive(ctx, w)
	end()
	var touched *TouchedError
	if cause := context.Cause(ctx); errors.As(cause, &touched) {
		return summary, cause
	}
	return summary, errors.Join(c.untouched(), err)
}

// whole makes the artifact durable, and only then says that it is whole.
func (c *Capture) whole(ctx context.Context, summary archive.Summary, size int64, chunks []spool.Chunk) error {
	if err := c.Spool.Sync(ctx); err != nil {
		return err
	}
	a := &c.Backup.Artifact
	a.Size, a.Chunks, a.DataBytes, a.Files, a.Pages = size, chunks, summary.Bytes, summary.Files, summary.Pages
	a.Version = manifest.Version
	if c.Authenticate != nil {
		mac, err := c.Authenticate(*a)
		if err != nil {
			return fmt.Errorf("authenticate the artifact: %w", err)
		}
		a.MAC = mac
	}
	if err := c.Journal.SaveArtifact(ctx, *a); err != nil {
		return fmt.Errorf("record the artifact: %w", err)
	}
	a.Whole = true
	return nil
}
