package archive

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/zip64"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// Reader is an artifact whose end and manifest were found. It may be used by several goroutines.
type Reader struct {
	src    Source
	end    zip64.End
	entry  zip64.Entry // of the manifest
	header Header
	sha    string // of the manifest, as the comment has it
	kept   []byte // the packed manifest, unless it is very long: it is read several times
}

// keepManifest is how long a packed manifest is kept in memory; it is the list of some ten thousand tables.
const keepManifest = 4 << 20

// Open finds the end and the manifest of an artifact and makes sure that neither is altered. It reads the manifest, not
// the files. Whatever is not a whole artifact is errs.Corrupt.
func Open(ctx context.Context, src Source) (*Reader, error) {
	r := &Reader{src: src}
	if err := r.open(ctx); err != nil {
		return nil, corrupt(fmt.Errorf("open artifact: %w", err))
	}
	return r, nil
}

func (r *Reader) open(ctx context.Context) error {
	var err error
	if r.end, err = zip64.ReadEnd(r.src, r.src.Size(), commentLength); err != nil {
		return err
	}
	var packed uint32
	if n, err := fmt.Sscanf(r.end.Comment, commentForm, &r.sha, &packed); err != nil || n != 2 ||
		fmt.Sprintf(commentForm, r.sha, packed) != r.end.Comment {
		return fmt.Errorf("%w: its comment is not drydock's; a zip that another program made or changed", zip64.ErrFormat)
	}
	if err := r.findManifest(); err != nil {
		return err
	}
	if r.entry.Packed <= keepManifest {
		kept, err := io.ReadAll(contextReader{ctx, r.packed()})
		if err != nil {
			return fmt.Errorf("read manifest: %w", err)
		}
		r.kept = kept
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, contextReader{ctx, r.packed()}); err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	if sum.Sum32() != packed {
		return fmt.Errorf("%w: the manifest is altered", zip64.ErrFormat)
	}
	return r.readHeader(ctx)
}

// findManifest reads the last central record, and compares the manifest's local header and descriptor with it.
func (r *Reader) findManifest() error {
	raw := make([]byte, zip64.WideCentralSize(manifest.Name))
	if r.end.CentralSize < int64(len(raw)) {
		return fmt.Errorf("%w: the central directory is too short", zip64.ErrFormat)
	}
	if err := zip64.ReadFullAt(r.src, raw, r.end.CentralOffset+r.end.CentralSize-int64(len(raw))); err != nil {
		return fmt.Errorf("read central directory: %w", err)
	}
	var err error
	if r.entry, err = zip64.ParseWide(raw, manifest.Name); err != nil {
		return err
	}
	e := &r.entry
	room := r.end.CentralOffset - e.Offset - zip64.LocalSize(e) - zip64.DescriptorSize(e)
	if e.Method != zip64.Deflate || e.Mode != manifestMode || e.Packed != room {
		return fmt.Errorf("%w: the manifest does not end where the central directory begins", zip64.ErrFormat)
	}
	local := make([]byte, zip64.LocalSize(e))
	descriptor := make([]byte, zip64.DescriptorSize(e))
	if err := zip64.ReadFullAt(r.src, local, e.Offset); err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	if err := zip64.ReadFullAt(r.src, descriptor, r.end.CentralOffset-int64(len(descriptor))); err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	if !bytes.Equal(local, zip64.AppendLocal(nil, e)) || !bytes.Equal(descriptor, zip64.AppendDescriptor(nil, e)) {
		return fmt.Errorf("%w: the headers of the manifest are altered", zip64.ErrFormat)
	}
	return nil
}

func (r *Reader) readHeader(ctx context.Context) error {
	m, err := manifest.NewReader(r.text(ctx))
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	r.header = m.Header()
	return nil
}

// Header returns what the manifest says about the whole.
func (r *Reader) Header() Header { return r.header }

// ManifestSHA256 returns the digest of the manifest's text, hexadecimal. [Reader.Files] proves it.
func (r *Reader) ManifestSHA256() string { return r.sha }

// Files calls yield for every entry of the manifest, in the order of the archive; an error of yield ends it and is
// returned as it is. When Files returns nil the whole manifest was intact: the entries lie one after the other without
// gaps, their number and totals are right, and the text has the digest it should have. An error before that means that
// the entries so far cannot be trusted either.
func (r *Reader) Files(ctx context.Context, yield func(File) error) error {
	var stop error
	err := r.files(ctx, func(f File) error {
		stop = yield(f)
		return stop
	})
	if err == nil || stop != nil {
		return stop
	}
	return corrupt(fmt.Errorf("read manifest: %w", err))
}

func (r *Reader) files(ctx context.Context, yield func(File) error) error {
	text := r.text(ctx)
	m, err := manifest.NewReader(text)
	if err != nil {
		return err
	}
	var seen manifest.Totals
	var next int64 // where the next entry begins
	for {
		f, err := m.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if next, err = r.follow(&f, next); err != nil {
			return err
		}
		count(&seen, &f)
		if err := yield(f); err != nil {
			return err
		}
	}
	if seen != r.header.Totals || next != r.entry.Offset || seen.Files+seen.Dirs+seen.Symlinks+1 != r.end.Entries {
		return fmt.Errorf("%w: it does not list all that is in the archive", manifest.ErrFormat)
	}
	return text.check()
}

// follow makes sure that the entry begins at next, and returns where it ends.
func (r *Reader) follow(f *File, next int64) (int64, error) {
	e := zipEntry(f)
	if f.Header != next || f.Data != next+zip64.LocalSize(&e) || f.Packed > r.entry.Offset-f.Data {
		return 0, fmt.Errorf("%w: %q does not lie where the entry before it ends", manifest.ErrFormat, f.Path)
	}
	return f.Data + f.Packed + zip64.DescriptorSize(&e), nil
}

func count(t *manifest.Totals, f *File) {
	switch f.Type {
	case manifest.Directory:
		t.Dirs++
	case manifest.Symlink:
		t.Symlinks++
	default:
		t.Files++
		t.Bytes += f.Size
		t.Allocated += f.Allocated
	}
}

func (r *Reader) packed() io.Reader {
	if r.kept != nil {
		return bytes.NewReader(r.kept)
	}
	section := io.NewSectionReader(r.src, r.end.CentralOffset-zip64.DescriptorSize(&r.entry)-r.entry.Packed, r.entry.Packed)
	return bufio.NewReaderSize(section, 1<<20)
}

// text is the manifest's text, and whether it is what the headers say.
func (r *Reader) text(ctx context.Context) *manifestText {
	t := &manifestText{entry: r.entry, sha: r.sha, crc: crc32.NewIEEE(), sum: sha256.New()}
	t.r = contextReader{ctx, flate.NewReader(bufio.NewReaderSize(r.packed(), 64<<10))}
	return t
}

type manifestText struct {
	r     io.Reader
	entry zip64.Entry
	sha   string
	n     int64
	crc   hash.Hash32
	sum   hash.Hash
}

func (t *manifestText) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.n += int64(n)
	_, _ = t.crc.Write(p[:n])
	_, _ = t.sum.Write(p[:n])
	if t.n > t.entry.Size {
		return n, fmt.Errorf("%w: it is longer than its header says", manifest.ErrFormat)
	}
	return n, err
}

func (t *manifestText) check() error {
	if t.n != t.entry.Size || t.crc.Sum32() != t.entry.CRC32 || hex.EncodeToString(t.sum.Sum(nil)) != t.sha {
		return fmt.Errorf("%w: its digest differs", manifest.ErrFormat)
	}
	return nil
}

// corrupt gives errors about the bytes their kind; errors of the source keep theirs.
func corrupt(err error) error {
	var flawed flate.CorruptInputError
	switch {
	case errors.Is(err, zip64.ErrFormat), errors.Is(err, manifest.ErrFormat), errors.As(err, &flawed),
		errors.Is(err, io.ErrUnexpectedEOF):
		return &errs.Error{Kind: errs.Corrupt, Err: err}
	}
	return err
}
