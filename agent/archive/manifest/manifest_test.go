package manifest_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
)

func header() manifest.Header {
	root := manifest.Root{Path: "/var/lib/mysql"}
	return manifest.Header{Version: 1, FrameSize: 4096, Method: 93, Trailer: []byte{3, 0}, Root: root}
}

func regular(p string) manifest.File {
	return manifest.File{
		Path: p, Type: manifest.Regular, Size: 10000, Allocated: 12288, Mode: 0o640, UID: 27, GID: 27, User: "mysql",
		MTime: manifest.Time{-5, 999999999}, SHA256: [32]byte{1, 31: 2}, CRC32: 7, Method: 93, Header: 5, Data: 99,
		Packed: 302, PackedCRC32: math.MaxUint32, Streamed: true, Frames: manifest.Runs{{Length: 100, Count: 3}},
	}
}

func encode(tb testing.TB, h manifest.Header, files ...manifest.File) []byte {
	tb.Helper()
	var lines []byte
	for i := range files {
		var err error
		if lines, err = manifest.AppendLine(lines, &files[i], i == 0); err != nil {
			tb.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := manifest.Encode(&out, &h, bytes.NewReader(lines)); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func decode(data io.Reader) (manifest.Header, []manifest.File, error) {
	r, err := manifest.NewReader(data)
	if err != nil {
		return manifest.Header{}, nil, err
	}
	var files []manifest.File
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Header(), files, nil
		}
		if err != nil {
			return r.Header(), files, err
		}
		files = append(files, f)
	}
}

func TestThereAndBack(t *testing.T) {
	link := manifest.File{Path: "l\xff", Type: manifest.Symlink, Size: 3, Packed: 3, Target: "x\xfey"}
	same := regular("other\xe9")
	same.SameFile, same.Followed, same.Origin = "b\xe9", "../\xe9", "/x/\xe9"
	files := []manifest.File{regular("a/b\nc \"quoted\" <&>"), link, same, {Path: "d", Type: manifest.Directory, Mode: 0o7777}}
	h, got, err := decode(bytes.NewReader(encode(t, header(), files...)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(header(), h); diff != "" {
		t.Error(diff)
	}
	if _, none, err := decode(bytes.NewReader(encode(t, header()))); err != nil || len(none) != 0 {
		t.Errorf("no files: %v, %v", none, err)
	}
}

func TestAnyNameComesBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		name := string(rapid.SliceOfN(rapid.ByteRange(1, 255), 1, 300).Draw(r, "name"))
		name = "x" + strings.ReplaceAll(name, "/", "_")
		_, got, err := decode(bytes.NewReader(encode(t, header(), regular(name))))
		if err != nil || len(got) != 1 || got[0].Path != name {
			r.Fatalf("%q: %v, %+v", name, err, got)
		}
	})
}

func TestRuns(t *testing.T) {
	good := map[string]manifest.Runs{
		"":             nil,
		"5":            {{Length: 5, Count: 1}},
		"5x3":          {{Length: 5, Count: 3}},
		"812,409x5000": {{Length: 812, Count: 1}, {Length: 409, Count: 5000}},
	}
	for text, want := range good {
		var got manifest.Runs
		if err := got.UnmarshalText([]byte(text)); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
		if back, _ := want.MarshalText(); string(back) != text {
			t.Errorf("%v becomes %q", want, back)
		}
	}
	for _, text := range []string{"0", "-1", "x", "1x", "x1", "1x0", "1,,2", ",", "1.5", "+1", "01", "1x2x3",
		"9223372036854775807,1",
		"9223372036854775807x2", "99999999999999999999"} {
		var got manifest.Runs
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken as %v", text, got)
		}
	}
}

func TestMode(t *testing.T) {
	for _, text := range []string{"", "8", "77777", "17777", "-1", "0x7", "rwx"} {
		var m manifest.Mode
		if err := m.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken as %o", text, m)
		}
	}
}

// failing gives some bytes, then its own error.
type failing struct{ r io.Reader }

var errSource = errors.New("disk on fire")

func (f failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if errors.Is(err, io.EOF) {
		err = errSource
	}
	return n, err
}

func TestErrorsOfTheSourceStayTheirOwn(t *testing.T) {
	data := encode(t, header(), regular("a"), regular("b"))
	for n := range data {
		if _, _, err := decode(failing{bytes.NewReader(data[:n])}); !errors.Is(err, errSource) || errors.Is(err, manifest.ErrFormat) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		if _, _, err := decode(bytes.NewReader(data[:n])); n < len(data)-1 && !errors.Is(err, manifest.ErrFormat) {
			t.Fatalf("cut off at %d: %v", n, err)
		}
	}
}

// One value does not fill the memory.
func TestHugeValueIsRefused(t *testing.T) {
	huge := io.MultiReader(strings.NewReader(`{"drydock":{"server":"`), io.LimitReader(zeros{}, 1<<40))
	if _, _, err := decode(huge); !errors.Is(err, manifest.ErrFormat) {
		t.Errorf("%v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func FuzzManifest(f *testing.F) {
	f.Add(encode(f, header(), regular("a"), regular("b\xff")))
	f.Add([]byte(`{"drydock":{"version":1,"frame_size":1},"files":[]}`))
	f.Add([]byte(`{"drydock":{"version":1,"frame_size":1},"files":[{"path":"../x","type":"dir"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, files, err := decode(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, manifest.ErrFormat) {
				t.Errorf("%v", err)
			}
			return
		}
		for _, file := range files {
			if manifest.CheckPath(file.Path) != nil {
				t.Errorf("path %q was taken", file.Path)
			}
		}
		h2, again, err := decode(bytes.NewReader(encode(t, h, files...)))
		if err != nil || !cmp.Equal(files, again) || h2.FrameSize != h.FrameSize {
			t.Errorf("not the same after writing it again: %v", err)
		}
	})
}
