package archive

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/zip64"
	"github.com/drydock-backup/drydock/agent/innodb"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// VerifyOptions say what else Verify compares with.
type VerifyOptions struct {
	ManifestSHA256 string        // what Write's Summary said; empty when not known
	Pages          *innodb.Hints // check InnoDB's pages; nil: do not
	Progress       func(Progress)
}

// Report is what Verify found.
type Report struct {
	Files, Dirs, Symlinks int64
	Bytes                 int64    // of content that was read
	Damaged               []Damage // the first thousand
	DamagedCount          int64

	// What was found in InnoDB's pages of the files that are not damaged: a page that is damaged there has been so before it
	// was archived. Pages is nil when they were not checked.
	Pages        *innodb.Totals
	DamagedPages []DamagedPages // the first hundred files with damaged ones
}

// Damage is one entry, or part of the archive's structure, that is not what it should be.
type Damage struct{ Path, Reason string }

// OK reports whether nothing is damaged since it was archived.
func (r Report) OK() bool { return r.DamagedCount == 0 }

// Err returns nil, or an error of kind errs.Corrupt that names the first damage.
func (r Report) Err() error {
	if r.OK() {
		return nil
	}
	d := r.Damaged[0]
	return errs.New(errs.Corrupt, "%d damaged: %q: %s", r.DamagedCount, d.Path, d.Reason)
}

const maxDamaged = 1000

func (r *Report) damage(path, reason string) {
	r.DamagedCount++
	if len(r.Damaged) < maxDamaged {
		r.Damaged = append(r.Damaged, Damage{Path: path, Reason: reason})
	}
}

// Verify reads every byte of the artifact and compares it with the manifest: headers, each frame, sizes, CRC-32, SHA-256,
// central directory. Damage to files is in the report, and all files are looked at; an artifact whose manifest cannot be
// trusted is an error of kind errs.Corrupt. Other errors say that it could not be read. f is not needed for artifacts
// that are not compressed.
func (r *Reader) Verify(ctx context.Context, f Frames, o VerifyOptions) (Report, error) {
	if o.ManifestSHA256 != "" && o.ManifestSHA256 != r.sha {
		return Report{}, errs.New(errs.Corrupt, "verify artifact: its manifest has SHA-256 %s instead of %s", r.sha, o.ManifestSHA256)
	}
	var report Report
	sums := newPageSums(o.Pages)
	m := &meter{report: o.Progress}
	x, err := newExtractor(r, f, m, func(t *target) error {
		report.Bytes += t.Size
		if t.flaw != "" {
			report.damage(t.Path, t.flaw)
			return nil
		}
		sums.add(t.Path, t.pages.result())
		return nil
	})
	if err != nil {
		return Report{}, fmt.Errorf("verify artifact: %w", err)
	}
	v := newInspector(r)
	v.pages = o.Pages
	err = x.run(ctx, func(ctx context.Context) error { return v.run(ctx, x) })
	if err != nil {
		return Report{}, fmt.Errorf("verify artifact: %w", err)
	}
	m.done()
	v.addTo(&report)
	report.Pages, report.DamagedPages = sums.totals, sums.damaged
	return report, nil
}

// inspector looks at everything around the content of the entries, and feeds the content to the extractor.
type inspector struct {
	r       *Reader
	window  window
	central io.Reader // nil once it differed
	want    []byte
	got     []byte
	seed    maphash.Seed
	names   []uint64 // hashes of the paths, to find one that is there twice
	seen    manifest.Totals
	found   Report
	pages   *innodb.Hints
}

func newInspector(r *Reader) *inspector {
	size := r.end.CentralSize - int64(zip64.WideCentralSize(manifest.Name))
	section := io.NewSectionReader(r.src, r.end.CentralOffset, size)
	return &inspector{
		r: r, window: window{src: r.src}, central: bufio.NewReaderSize(section, 64<<10), seed: maphash.MakeSeed(),
	}
}

func (v *inspector) run(ctx context.Context, x *extractor) error {
	err := v.r.Files(ctx, func(f File) error {
		count(&v.seen, &f)
		v.names = append(v.names, maphash.String(v.seed, f.Path))
		if err := v.headers(&f); err != nil {
			return err
		}
		switch f.Type {
		case manifest.Directory:
			return nil
		case manifest.Symlink:
			if sha256.Sum256([]byte(f.Target)) != f.SHA256 {
				v.found.damage(f.Path, "its target in the manifest is not what was archived")
			}
		}
		return x.add(ctx, &target{File: f, sum: newDigest(), pages: newPageCheck(&f, v.pages)})
	})
	if err != nil {
		return err
	}
	return v.rest()
}

// headers compares local header, trailer, descriptor and central record with what they should be.
func (v *inspector) headers(f *File) error {
	e := zipEntry(f)
	v.want = zip64.AppendLocal(v.want[:0], &e)
	if err := v.compare(f, f.Header, "its local header is altered"); err != nil {
		return err
	}
	v.want = v.want[:0]
	if f.Method != zip64.Store {
		v.want = append(v.want, v.r.header.Trailer...)
	}
	at := f.Data + f.Packed - int64(len(v.want))
	v.want = zip64.AppendDescriptor(v.want, &e)
	if err := v.compare(f, at, "what follows its data is altered"); err != nil {
		return err
	}
	if v.central == nil {
		return nil
	}
	v.want = zip64.AppendCentral(v.want[:0], &e)
	v.got = append(v.got[:0], v.want...)
	_, err := io.ReadFull(v.central, v.got)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read central directory: %w", err)
	}
	if err != nil || !bytes.Equal(v.got, v.want) {
		v.found.damage(f.Path, "the central directory does not match the manifest from here on")
		v.central = nil
	}
	return nil
}

func (v *inspector) compare(f *File, at int64, flaw string) error {
	got, err := v.window.read(len(v.want), at)
	if err != nil {
		return fmt.Errorf("read artifact at byte %d: %w", at, err)
	}
	if !bytes.Equal(got, v.want) {
		v.found.damage(f.Path, flaw)
	}
	return nil
}

// rest looks for what should not be there.
func (v *inspector) rest() error {
	if v.central != nil {
		n, err := io.Copy(io.Discard, v.central)
		if err != nil {
			return fmt.Errorf("read central directory: %w", err)
		}
		if n > 0 {
			v.found.damage(manifest.Name, "the central directory lists more than the manifest")
		}
	}
	slices.Sort(v.names)
	if len(slices.Compact(v.names)) != int(v.seen.Files+v.seen.Dirs+v.seen.Symlinks) {
		v.found.damage(manifest.Name, "it lists a path twice")
	}
	return nil
}

func (v *inspector) addTo(report *Report) {
	report.Files, report.Dirs, report.Symlinks = v.seen.Files, v.seen.Dirs, v.seen.Symlinks
	for _, d := range v.found.Damaged {
		report.damage(d.Path, d.Reason)
	}
	report.DamagedCount += v.found.DamagedCount - int64(len(v.found.Damaged))
}

// window reads small pieces from front to back with few calls.
type window struct {
	src  Source
	at   int64
	data []byte
}

const windowSize = 64 << 10

// read returns n bytes, valid until the next call.
func (w *window) read(n int, at int64) ([]byte, error) {
	if at >= w.at && at+int64(n) <= w.at+int64(len(w.data)) {
		return w.data[at-w.at:][:n], nil
	}
	size := min(max(int64(n), windowSize), w.src.Size()-at)
	if size < int64(n) {
		return nil, io.ErrUnexpectedEOF
	}
	w.data, w.at = slices.Grow(w.data[:0], int(size))[:size], at
	if err := zip64.ReadFullAt(w.src, w.data, at); err != nil {
		w.data = w.data[:0]
		return nil, err
	}
	return w.data[:n], nil
}
