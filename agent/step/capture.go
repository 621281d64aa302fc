package step

import (
	"context"
	"fmt"
	"io"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
)

// Capture turns the stopped server's data directory into Data.zip, chunk by chunk in the spool, and has each chunk
// shipped as soon as it is complete.
type Capture struct {
	Backup   *Backup
	Instance Instance
	Spool    Spool
	Journal  Journal
	// Archive writes Data.zip to w.
	Archive func(ctx context.Context, w io.Writer) (archive.Summary, error)
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
	w := c.Spool.Writer(ctx, c.Backup.Artifact.ChunkSize, shipment.Offer)
	summary, err := c.archive(ctx, w)
	if err != nil {
		return err
	}
	size, chunks, err := w.Finish()
	if err != nil {
		return err
	}
	shipment.Finish()
	return c.whole(ctx, summary, size, chunks)
}

func (c *Capture) archive(ctx context.Context, w *spool.Writer) (archive.Summary, error) {
	summary, err := c.Archive(ctx, w)
	if err == nil {
		err = c.untouched()
	}
	if err != nil {
		w.Abort()
	}
	return summary, err
}

// untouched makes sure that no server came back by itself during the copy.
func (c *Capture) untouched() error {
	pid, err := c.Instance.Holder()
	if err != nil {
		return fmt.Errorf("look who holds the data directory: %w", err)
	}
	if pid != 0 {
		return fmt.Errorf("process %d opened the data directory during the copy: the copy is not consistent and is dropped", pid)
	}
	return nil
}

// whole makes the artifact durable, and only then says that it is whole.
func (c *Capture) whole(ctx context.Context, summary archive.Summary, size int64, chunks []spool.Chunk) error {
	if err := c.Spool.Sync(ctx); err != nil {
		return err
	}
	a := &c.Backup.Artifact
	a.Size, a.Chunks, a.DataBytes, a.Files = size, chunks, summary.Bytes, summary.Files
	if err := c.Journal.SaveArtifact(ctx, *a); err != nil {
		return fmt.Errorf("record the artifact: %w", err)
	}
	a.Whole = true
	return nil
}
