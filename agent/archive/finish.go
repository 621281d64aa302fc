package archive

import (
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/tree"
	"github.com/drydock-backup/drydock/agent/archive/zip64"
)

const manifestMode = tree.TypeRegular | 0o600

// comment of the zip: it vouches for the manifest, which vouches for all the rest. Its length never changes.
const (
	commentForm   = "drydock 1 manifest-sha256=%s packed-crc32=%08x"
	commentLength = len(commentForm) - 2 + 64 - 4 + 8
)

// finish writes manifest, central directory and end.
func (z *zipWriter) finish(ctx context.Context, h *Header) error {
	head := zip64.Entry{
		Name: manifest.Name, Method: zip64.Deflate, Mode: manifestMode, Streamed: true, Wide: true,
		ModTime: min(time.Now().Unix(), math.MaxInt32), Offset: z.off,
	}
	z.buf = zip64.AppendLocal(z.buf[:0], &head)
	if _, err := z.Write(z.buf); err != nil {
		return err
	}
	packed, err := z.manifest(ctx, &head, h)
	if err != nil {
		return err
	}
	z.buf = zip64.AppendDescriptor(z.buf[:0], &head)
	if _, err := z.Write(z.buf); err != nil {
		return err
	}
	if err := z.record(&head); err != nil {
		return err
	}
	end := zip64.End{Entries: z.entries, CentralOffset: z.off, Comment: fmt.Sprintf(commentForm, z.sha, packed)}
	records, size, err := z.central.reader()
	if err != nil {
		return err
	}
	end.CentralSize = size
	if _, err := io.Copy(z, contextReader{ctx, records}); err != nil {
		return err
	}
	if _, err := z.Write(zip64.AppendEnd(nil, end)); err != nil {
		return err
	}
	if err := z.out.Flush(); err != nil {
		return fmt.Errorf("write archive at byte %d: %w", z.off, err)
	}
	z.meter.ArtifactBytes = z.off
	z.meter.done()
	return nil
}

// manifest writes the manifest's data, fills in the sizes of its entry, and returns the CRC of the data.
func (z *zipWriter) manifest(ctx context.Context, head *zip64.Entry, h *Header) (uint32, error) {
	lines, _, err := z.lines.reader()
	if err != nil {
		return 0, err
	}
	start, packed, crc, sha := z.off, crc32.NewIEEE(), crc32.NewIEEE(), sha256.New()
	deflate, err := flate.NewWriter(io.MultiWriter(z, packed), flate.BestSpeed)
	if err != nil {
		return 0, err
	}
	text := &counter{w: io.MultiWriter(deflate, crc, sha)}
	if err := manifest.Encode(text, h, contextReader{ctx, lines}); err != nil {
		return 0, fmt.Errorf("write manifest: %w", err)
	}
	if err := deflate.Close(); err != nil {
		return 0, fmt.Errorf("write manifest: %w", err)
	}
	head.Size, head.Packed, head.CRC32 = text.n, z.off-start, crc.Sum32()
	z.sha = hex.EncodeToString(sha.Sum(nil))
	return packed.Sum32(), nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// contextReader ends with the context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
