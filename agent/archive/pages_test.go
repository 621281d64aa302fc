package archive_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/innodb"
)

const pageSize = 16 << 10

// tablespace makes n pages with algorithm crc32; the bits of the damaged ones are flipped afterwards, those of the unused
// ones are all zero.
func tablespace(n int, unused, damaged []int) []byte {
	table := crc32.MakeTable(crc32.Castagnoli)
	data := pages(n * pageSize)
	for i := range n {
		p := data[i*pageSize:][:pageSize]
		clear(p[:150])
		binary.BigEndian.PutUint32(p[4:], uint32(i))
		binary.BigEndian.PutUint32(p[34:], 7)
		if i == 0 {
			p[25], p[41] = 8, 7
		}
		clear(p[pageSize-8:])
		sum := crc32.Checksum(p[4:26], table) ^ crc32.Checksum(p[38:pageSize-8], table)
		binary.BigEndian.PutUint32(p, sum)
		binary.BigEndian.PutUint32(p[pageSize-8:], sum)
	}
	for _, i := range unused {
		clear(data[i*pageSize:][:pageSize])
	}
	for _, i := range damaged {
		data[i*pageSize+5000] ^= 4
	}
	return data
}

// S2: pages are checked while they are archived, whatever the frames are, and what is found is in the manifest; a later
// look finds the same, and tells it from what became damaged since.
func TestPagesAreChecked(t *testing.T) {
	big := tablespace(1000, []int{130, 131}, []int{5, 700})
	holes := map[int64][]byte{0: tablespace(8, nil, nil), 600 * pageSize: tablespace(608, nil, []int{603})[600*pageSize:]}
	want := []archive.DamagedPages{{Path: "shop/big.ibd", Count: 2, First: []int64{5, 700}},
		{Path: "shop/holes.ibd", Count: 1, First: []int64{603}}}
	totals := &innodb.Totals{Files: 3, Pages: 1000 + 608 + 4, Damaged: 3, DamagedFiles: 2}
	frames := map[string]int{"frames of whole pages": 2 << 20, "frames of less than a page": 10_000, "odd frames": 1<<20 - 1}
	for name, frame := range frames {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			put(t, root, "shop/big.ibd", big)
			putSparse(t, root, "shop/holes.ibd", 608*pageSize, holes)
			put(t, root, "shop/good.ibd", tablespace(4, nil, nil))
			put(t, root, "binlog.000001", random(100_000))
			f := newFrames(t, "zstd", frame, 4)
			src, sum := pack(t, f, archive.Options{Root: root, Pages: &innodb.Hints{}})
			if d := cmp.Diff(totals, sum.Pages) + cmp.Diff(want, sum.DamagedPages); d != "" {
				t.Fatal(d)
			}
			files := list(t, src)
			if d := cmp.Diff(&manifest.Pages{Checked: 1000, Damaged: 2, Bad: []int64{5, 700}}, files["shop/big.ibd"].Pages); d != "" {
				t.Error("in the manifest:", d)
			}
			if p := files["binlog.000001"].Pages; p != nil {
				t.Error("pages of a binary log:", p)
			}
			r, err := archive.Open(t.Context(), src)
			if err != nil || cmp.Diff(totals, r.Header().Pages) != "" {
				t.Error("in the header:", err, cmp.Diff(totals, r.Header().Pages))
			}
			report, err := archive.Verify(t.Context(), src, f, archive.VerifyOptions{Pages: &innodb.Hints{}})
			if d := cmp.Diff(totals, report.Pages) + cmp.Diff(want, report.DamagedPages); err != nil || !report.OK() || d != "" {
				t.Error("verified:", err, report.Damaged, d)
			}
		})
	}
}

// S2: a file that was altered since is damaged, and nothing is said about its pages.
func TestDamagedSince(t *testing.T) {
	root := t.TempDir()
	put(t, root, "a.ibd", tablespace(64, nil, []int{9}))
	put(t, root, "b.ibd", tablespace(64, nil, []int{11}))
	f := newFrames(t, "store", 1<<20, 4)
	src, _ := pack(t, f, archive.Options{Root: root, Pages: &innodb.Hints{}})
	raw := make([]byte, src.Size())
	if _, err := src.ReadAt(raw, 0); err != nil {
		t.Fatal(err)
	}
	raw[list(t, src)["a.ibd"].Data+12345] ^= 1
	report, err := archive.Verify(t.Context(), bytes.NewReader(raw), f, archive.VerifyOptions{Pages: &innodb.Hints{}})
	if err != nil || report.DamagedCount != 1 || report.Damaged[0].Path != "a.ibd" {
		t.Fatalf("%v, %+v", err, report.Damaged)
	}
	if d := cmp.Diff([]archive.DamagedPages{{Path: "b.ibd", Count: 1, First: []int64{11}}}, report.DamagedPages); d != "" {
		t.Error(d)
	}
}

// An artifact whose pages were not checked says so by saying nothing.
func TestPagesAreNotChecked(t *testing.T) {
	root := t.TempDir()
	put(t, root, "a.ibd", tablespace(64, nil, []int{9}))
	f := newFrames(t, "zstd", 1<<20, 4)
	src, sum := pack(t, f, archive.Options{Root: root})
	if sum.Pages != nil || sum.DamagedPages != nil || list(t, src)["a.ibd"].Pages != nil {
		t.Errorf("%+v", sum)
	}
}

// Pages that cannot be are refused when a manifest is read.
func TestImpossiblePages(t *testing.T) {
	for name, p := range map[string]manifest.Pages{
		"negative":                  {Checked: -1},
		"more damaged than checked": {Checked: 1, Damaged: 2, Bad: []int64{0, 1}},
		"more opaque than checked":  {Checked: 1, Opaque: 2},
		"not all named":             {Checked: 9, Damaged: 2, Bad: []int64{0}},
		"too many named":            {Checked: 9, Damaged: 1, Bad: []int64{0, 1}},
		"not in order":              {Checked: 9, Damaged: 2, Bad: []int64{1, 1}},
		"a negative page":           {Checked: 9, Damaged: 1, Bad: []int64{-1}},
	} {
		t.Run(name, func(t *testing.T) {
			src := newForged().add(manifest.File{Path: "a", Pages: &p}, "content").build(t, nil)
			r, err := archive.Open(t.Context(), src)
			if err == nil {
				err = r.Files(t.Context(), func(archive.File) error { return nil })
			}
			if err == nil {
				t.Error("accepted")
			}
		})
	}
}
