package archive

import (
	"bufio"
	"fmt"
	"io"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/tree"
	"github.com/drydock-backup/drydock/agent/archive/zip64"
)

// zipWriter puts frames into the zip, in the order in which they come. It is used by one goroutine.
type zipWriter struct {
	out     *bufio.Writer
	off     int64
	entries int64
	central *scratch // records of the central directory
	lines   *scratch // entries of the manifest
	names   *owners
	meter   *meter
	buf     []byte
	sha     string // of the manifest
	pages   pageSums
}

func newZipWriter(w io.Writer, dir string, m *meter) (*zipWriter, error) {
	z := &zipWriter{out: bufio.NewWriterSize(w, 128<<10), names: newOwners(), meter: m}
	var err error
	if z.central, err = newScratch(dir, "central"); err != nil {
		return nil, err
	}
	if z.lines, err = newScratch(dir, "manifest"); err != nil {
		z.central.remove()
		return nil, err
	}
	return z, nil
}

func (z *zipWriter) remove() {
	z.central.remove()
	z.lines.remove()
}

// Write counts.
func (z *zipWriter) Write(p []byte) (int, error) {
	n, err := z.out.Write(p)
	z.off += int64(n)
	if err != nil {
		return n, fmt.Errorf("write archive at byte %d: %w", z.off, err)
	}
	return n, nil
}

// frame waits until the frame is compressed, and writes it with whatever headers belong around it.
func (z *zipWriter) frame(fr *frame) error {
	f := fr.entry.file
	if fr.off == 0 {
		if !f.Streamed {
			<-fr.hashed
			f.CRC32, f.Packed = fr.entry.sum.crc, f.Size
		}
		if err := z.begin(f); err != nil {
			return err
		}
	}
	<-fr.packed
	if fr.err != nil {
		return fmt.Errorf("compress %q: %w", f.Path, fr.err)
	}
	if err := z.data(fr.entry, fr.data); err != nil {
		return err
	}
	if f.Method != zip64.Store {
		f.Frames.Add(int64(len(fr.data)))
	}
	if f.Type == manifest.Regular {
		z.meter.Bytes += int64(fr.n + fr.zeros)
	}
	if fr.last {
		<-fr.hashed
		if err := z.end(fr.entry); err != nil {
			return err
		}
	}
	z.meter.Path, z.meter.ArtifactBytes = f.Path, z.off
	z.meter.tick()
	return nil
}

func (z *zipWriter) begin(f *File) error {
	f.Header = z.off
	e := zipEntry(f)
	z.buf = zip64.AppendLocal(z.buf[:0], &e)
	_, err := z.Write(z.buf)
	f.Data = z.off
	return err
}

func (z *zipWriter) data(e *entry, p []byte) error {
	e.sum.data(p)
	_, err := z.Write(p)
	return err
}

// end closes an entry and records it in both lists.
func (z *zipWriter) end(e *entry) error {
	f := e.file
	if err := z.data(e, e.trailer); err != nil {
		return err
	}
	f.Packed = z.off - f.Data
	f.SHA256, f.CRC32, f.PackedCRC32 = e.sum.sum(), e.sum.crc, e.sum.packed
	f.Pages = e.pages.result()
	z.pages.add(f.Path, f.Pages)
	if f.Method == zip64.Store && f.Packed != f.Size {
		return fmt.Errorf("store %q: the compressor made %d bytes of %d", f.Path, f.Packed, f.Size)
	}
	head := zipEntry(f)
	z.buf = zip64.AppendDescriptor(z.buf[:0], &head)
	if _, err := z.Write(z.buf); err != nil {
		return err
	}
	if err := z.record(&head); err != nil {
		return err
	}
	if f.Type == manifest.Regular {
		z.meter.Files++
	}
	line, err := manifest.AppendLine(z.buf[:0], f, z.entries == 1)
	if err != nil {
		return err
	}
	z.buf = line
	if _, err := z.lines.Write(line); err != nil {
		return fmt.Errorf("write scratch file: %w", err)
	}
	return nil
}

func (z *zipWriter) record(head *zip64.Entry) error {
	z.entries++
	z.buf = zip64.AppendCentral(z.buf[:0], head)
	if _, err := z.central.Write(z.buf); err != nil {
		return fmt.Errorf("write scratch file: %w", err)
	}
	return nil
}

func (z *zipWriter) summary(found *tree.Result) Summary {
	t := found.Totals
	return Summary{
		Files: t.Files, Dirs: t.Dirs, Symlinks: t.Symlinks, Bytes: t.Bytes, ArtifactBytes: z.off, Entries: z.entries,
		Skipped: found.SkippedCount, ManifestSHA256: z.sha, Pages: z.pages.totals, DamagedPages: z.pages.damaged,
	}
}
