package archive_test

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/zip64"
)

// forged is an artifact that a bad person made: well formed on the outside, with whatever they like in the manifest.
type forged struct {
	header  manifest.Header
	files   []manifest.File
	content map[string][]byte
	text    func([]byte) []byte // changes the manifest's text before it is packed
}

func newForged() *forged {
	return &forged{
		header:  manifest.Header{Version: 1, FrameSize: frameSize, Method: 0, Root: manifest.Root{Mode: 0o700}},
		content: map[string][]byte{},
	}
}

func (f *forged) add(file manifest.File, content string) *forged {
	file.SHA256 = sha256.Sum256([]byte(content))
	file.CRC32 = crc32.ChecksumIEEE([]byte(content))
	file.PackedCRC32 = file.CRC32
	file.Size, file.Packed = int64(len(content)), int64(len(content))
	file.Mode = 0o600
	if file.Type == "" {
		file.Type = manifest.Regular
	}
	switch file.Type {
	case manifest.Regular:
		f.header.Totals.Files++
		f.header.Totals.Bytes += file.Size
	case manifest.Directory:
		f.header.Totals.Dirs++
		file.Mode = 0o700
	case manifest.Symlink:
		f.header.Totals.Symlinks++
	}
	f.files = append(f.files, file)
	f.content[file.Path] = []byte(content)
	return f
}

func head(f *manifest.File) zip64.Entry {
	mode := map[manifest.Type]uint32{manifest.Regular: 0o100000, manifest.Directory: 0o040000, manifest.Symlink: 0o120000}[f.Type]
	e := zip64.Entry{
		Name: f.Path, Method: f.Method, Mode: mode | uint32(f.Mode), ModTime: f.MTime[0], UID: f.UID, GID: f.GID,
		Offset: f.Header, Size: f.Size, Packed: f.Packed, CRC32: f.CRC32, Streamed: f.Streamed,
	}
	if f.Type == manifest.Directory {
		e.Name += "/"
	}
	return e
}

// build lays the entries out; change may then lie about them in the manifest.
func (f *forged) build(tb testing.TB, change func(files []manifest.File)) *bytes.Reader {
	tb.Helper()
	var out, central, lines []byte
	for i := range f.files {
		file := &f.files[i]
		file.Header = int64(len(out))
		e := head(file)
		out = zip64.AppendLocal(out, &e)
		file.Data = int64(len(out))
		out = append(out, f.content[file.Path]...)
		out = zip64.AppendDescriptor(out, &e)
		central = zip64.AppendCentral(central, &e)
	}
	if change != nil {
		change(f.files)
	}
	for i := range f.files {
		var err error
		if lines, err = manifest.AppendLine(lines, &f.files[i], i == 0); err != nil {
			tb.Fatal(err)
		}
	}
	return f.seal(tb, out, central, lines)
}

func (f *forged) seal(tb testing.TB, out, central, lines []byte) *bytes.Reader {
	tb.Helper()
	var buf bytes.Buffer
	if err := manifest.Encode(&buf, &f.header, bytes.NewReader(lines)); err != nil {
		tb.Fatal(err)
	}
	text := buf.Bytes()
	if f.text != nil {
		text = f.text(text)
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, 1)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	e := zip64.Entry{
		Name: manifest.Name, Method: 8, Mode: 0o100600, Streamed: true, Wide: true, Offset: int64(len(out)),
		Size: int64(len(text)), Packed: int64(packed.Len()), CRC32: crc32.ChecksumIEEE(text),
	}
	out = zip64.AppendLocal(out, &e)
	out = append(out, packed.Bytes()...)
	out = zip64.AppendDescriptor(out, &e)
	central = zip64.AppendCentral(central, &e)
	sum := sha256.Sum256(text)
	end := zip64.End{
		Entries: int64(len(f.files)) + 1, CentralOffset: int64(len(out)), CentralSize: int64(len(central)),
		Comment: fmt.Sprintf("drydock 1 manifest-sha256=%s packed-crc32=%08x",
			hex.EncodeToString(sum[:]), crc32.ChecksumIEEE(packed.Bytes())),
	}
	out = append(out, central...)
	return bytes.NewReader(zip64.AppendEnd(out, end))
}

var _ archive.Source = (*bytes.Reader)(nil)

// newForgedOwners is an artifact of files that belong to somebody else.
func newForgedOwners(t *testing.T) *bytes.Reader {
	t.Helper()
	f := newForged().add(manifest.File{Path: "f"}, "x").add(manifest.File{Path: "d", Type: manifest.Directory}, "").
		add(manifest.File{Path: "d/f"}, "y")
	for i, mode := range []manifest.Mode{0, 0o500, 0o400} {
		f.files[i].Mode, f.files[i].UID, f.files[i].GID, f.files[i].MTime = mode, 777, 777, manifest.Time{1000, 0}
	}
	return f.build(t, nil)
}
