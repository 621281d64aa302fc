package zip64_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/archive/zip64"
)

func file(entries []zip64.Entry, data []string, comment string) []byte {
	var out, central []byte
	for i := range entries {
		e := &entries[i]
		e.Offset = int64(len(out))
		e.Size, e.Packed, e.CRC32 = int64(len(data[i])), int64(len(data[i])), crc32.ChecksumIEEE([]byte(data[i]))
		out = zip64.AppendLocal(out, e)
		if int64(len(out)) != e.Offset+zip64.LocalSize(e) {
			panic("local size")
		}
		out = append(out, data[i]...)
		out = zip64.AppendDescriptor(out, e)
		central = zip64.AppendCentral(central, e)
	}
	end := zip64.End{
		Entries: int64(len(entries)), CentralOffset: int64(len(out)), CentralSize: int64(len(central)), Comment: comment,
	}
	return zip64.AppendEnd(append(out, central...), end)
}

func sample() []byte {
	return file([]zip64.Entry{
		{Name: "known", Mode: 0o100640, ModTime: 1e9},
		{Name: "streamed", Mode: 0o100640, ModTime: 1e9, Streamed: true},
		{Name: "d/", Mode: 0o040750, ModTime: -1},
		{Name: "caf\u00e9", Mode: 0o100600, ModTime: 1 << 40, Streamed: true},
		{Name: "last", Mode: 0o100600, ModTime: 5, Streamed: true, Wide: true, UID: 1, GID: 2},
	}, []string{"abc", "hello", "", "x", "y"}, "hi")
}

func TestGoReadsIt(t *testing.T) {
	data := sample()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f.Name+" "+f.Mode().String()+" "+string(content))
	}
	want := []string{
		"known -rw-r----- abc", "streamed -rw-r----- hello", "d/ drwxr-x--- ", "caf\u00e9 -rw------- x", "last -rw------- y",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if z.File[0].NonUTF8 || z.File[3].NonUTF8 || z.Comment != "hi" || z.File[0].Modified.Unix() != 1e9 {
		t.Errorf("%+v", z.File[0].FileHeader)
	}
}

func TestReadEnd(t *testing.T) {
	data := sample()
	end, err := zip64.ReadEnd(bytes.NewReader(data), int64(len(data)), 2)
	if err != nil || end.Entries != 5 || end.Comment != "hi" {
		t.Fatalf("%+v, %v", end, err)
	}
	size := zip64.WideCentralSize("last")
	raw := data[end.CentralOffset+end.CentralSize-int64(size):][:size]
	e, err := zip64.ParseWide(raw, "last")
	if err != nil || e.UID != 1 || e.GID != 2 || e.Size != 1 || e.ModTime != 5 {
		t.Errorf("%+v, %v", e, err)
	}
	for n := range data {
		if _, err := zip64.ReadEnd(bytes.NewReader(data[:n]), int64(n), 2); !errors.Is(err, zip64.ErrFormat) {
			t.Errorf("cut off at %d: %v", n, err)
		}
	}
	if _, err := zip64.ReadEnd(bytes.NewReader(data[:50]), int64(len(data)), 2); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("shorter than it says: %v", err)
	}
}

// Values beyond 32 bits go to the 64-bit fields, and come back through the standard library.
func TestBeyond32Bits(t *testing.T) {
	e := zip64.Entry{
		Name: "big", Mode: 0o100600, Size: 5 << 32, Packed: 3 << 32, Offset: 7 << 32, CRC32: 9, Streamed: true, Wide: true,
	}
	got, err := zip64.ParseWide(zip64.AppendCentral(nil, &e), "big")
	if err != nil || got != e {
		t.Errorf("%+v, %v", got, err)
	}
	for _, n := range []int64{math.MaxUint32 - 1, math.MaxUint32, math.MaxUint32 + 1} {
		e := zip64.Entry{Name: "edge", Size: n, Packed: 1}
		wide := len(zip64.AppendCentral(nil, &e)) == zip64.WideCentralSize("edge")
		if wide != (n >= math.MaxUint32) {
			t.Errorf("size %d: wide is %v", n, wide)
		}
	}
}

func FuzzReadEnd(f *testing.F) {
	f.Add(sample(), 2)
	f.Add([]byte("PK\x06\x06"), 0)
	f.Fuzz(func(t *testing.T, data []byte, comment int) {
		if comment < 0 || comment > math.MaxUint16 {
			return
		}
		end, err := zip64.ReadEnd(bytes.NewReader(data), int64(len(data)), comment)
		if err == nil && !bytes.HasSuffix(data, zip64.AppendEnd(nil, end)) {
			t.Errorf("%+v is not what the bytes say", end)
		}
	})
}

func FuzzParseWide(f *testing.F) {
	e := zip64.Entry{Name: "n", Mode: 0o100600, Streamed: true, Wide: true}
	f.Add(zip64.AppendCentral(nil, &e))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := zip64.ParseWide(raw, "n"); err == nil && !bytes.Equal(zip64.AppendCentral(nil, &e), raw) {
			t.Errorf("%+v is not what the bytes say", e)
		}
	})
}
