package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// hostile artifacts: Restore must refuse each, and write nothing outside.
func hostile() map[string]func(tb testing.TB) *bytes.Reader {
	one := func(f manifest.File) func(testing.TB) *bytes.Reader {
		return func(tb testing.TB) *bytes.Reader { return newForged().add(f, "evil").build(tb, nil) }
	}
	lie := func(change func(f *manifest.File)) func(testing.TB) *bytes.Reader {
		return func(tb testing.TB) *bytes.Reader {
			f := newForged().add(manifest.File{Path: "a"}, "good").add(manifest.File{Path: "b"}, "good")
			return f.build(tb, func(files []manifest.File) { change(&files[1]) })
		}
	}
	header := func(change func(h *manifest.Header)) func(testing.TB) *bytes.Reader {
		return func(tb testing.TB) *bytes.Reader {
			f := newForged().add(manifest.File{Path: "a"}, "good")
			change(&f.header)
			return f.build(tb, nil)
		}
	}
	text := func(change func(string) string) func(testing.TB) *bytes.Reader {
		return func(tb testing.TB) *bytes.Reader {
			f := newForged().add(manifest.File{Path: "a"}, "good")
			f.text = func(b []byte) []byte { return []byte(change(string(b))) }
			return f.build(tb, nil)
		}
	}
	symlink := func(target string) func(tb testing.TB) *bytes.Reader {
		return func(tb testing.TB) *bytes.Reader {
			f := newForged().add(manifest.File{Path: "l", Type: manifest.Symlink, Target: target}, target)
			return f.build(tb, nil)
		}
	}
	return map[string]func(tb testing.TB) *bytes.Reader{
		"parent path":          one(manifest.File{Path: "../evil"}),
		"absolute path":        one(manifest.File{Path: "/tmp/evil"}),
		"parent in the middle": one(manifest.File{Path: "a/../../evil"}),
		"dot path":             one(manifest.File{Path: "."}),
		"path with nul":        one(manifest.File{Path: "a\x00b"}),
		"empty path":           one(manifest.File{Path: ""}),
		"double slash":         one(manifest.File{Path: "a//b"}),
		"the manifest itself":  one(manifest.File{Path: manifest.Name}),
		"unknown type":         one(manifest.File{Path: "dev", Type: "device"}),
		"absolute symlink":     symlink("/etc"),
		"symlink out":          symlink("../x"),
		"symlink far out":      symlink("a/../../../x"),
		"empty symlink":        symlink(""),
		"hard link to nothing": one(manifest.File{Path: "h", SameFile: "not/there"}),
		"hard link out":        one(manifest.File{Path: "h", SameFile: "../../etc/passwd"}),
		"hard link to itself":  one(manifest.File{Path: "h", SameFile: "h"}),
		"path through a file": func(tb testing.TB) *bytes.Reader {
			return newForged().add(manifest.File{Path: "a"}, "x").add(manifest.File{Path: "a/b"}, "y").build(tb, nil)
		},
		"path twice": func(tb testing.TB) *bytes.Reader {
			return newForged().add(manifest.File{Path: "a"}, "x").add(manifest.File{Path: "a"}, "x").build(tb, nil)
		},
		"directory and file": func(tb testing.TB) *bytes.Reader {
			f := newForged().add(manifest.File{Path: "a"}, "x").add(manifest.File{Path: "a", Type: manifest.Directory}, "")
			return f.build(tb, nil)
		},
		"overlapping":        lie(func(f *manifest.File) { f.Header, f.Data = 0, f.Data-f.Header }),
		"data elsewhere":     lie(func(f *manifest.File) { f.Data -= 3 }),
		"huge size":          lie(func(f *manifest.File) { f.Size, f.Packed = math.MaxInt64, math.MaxInt64 }),
		"size bomb":          lie(func(f *manifest.File) { f.Size, f.Packed = 1<<50, 1<<50 }),
		"negative size":      lie(func(f *manifest.File) { f.Size, f.Packed = -1, -1 }),
		"negative place":     lie(func(f *manifest.File) { f.Header, f.Data = -40, -4 }),
		"other method":       lie(func(f *manifest.File) { f.Method = 93; f.Streamed = true; f.Frames.Add(4) }),
		"frames when stored": lie(func(f *manifest.File) { f.Frames.Add(4) }),
		"wrong sha256":       lie(func(f *manifest.File) { f.SHA256[3]++ }),
		"wrong crc32":        lie(func(f *manifest.File) { f.CRC32++ }),
		"bad nanoseconds":    lie(func(f *manifest.File) { f.MTime[1] = 1e9 }),
		"version zero":       header(func(h *manifest.Header) { h.Version = 0 }),
		"no frame size":      header(func(h *manifest.Header) { h.FrameSize = 0 }),
		"huge frames":        header(func(h *manifest.Header) { h.FrameSize = math.MaxInt32 }),
		"totals too high":    header(func(h *manifest.Header) { h.Totals.Files = 1 << 60 }),
		"not json":           text(func(string) string { return "hello" }),
		"cut json":           text(func(s string) string { return s[:len(s)/2] }),
		"more after json":    text(func(s string) string { return s + "{}" }),
		"no files":           text(func(s string) string { return `{"drydock":{"version":1,"frame_size":1}}` }),
		"deep nesting":       text(func(string) string { return `{"drydock":` + strings.Repeat("[", 1<<20) }),
		"mode too large":     text(func(s string) string { return strings.Replace(s, `"mode":"0600"`, `"mode":"100600"`, 1) }),
		"frames not numbers": text(func(s string) string {
			return strings.Replace(s, `"method":0,"header"`, `"frames":"1x","header"`, 1)
		}),
		"text bomb": text(func(s string) string { return s + strings.Repeat(" ", 1<<20) + "x" }),
	}
}

func TestHostile(t *testing.T) {
	for name, build := range hostile() {
		t.Run(name, func(t *testing.T) {
			src := build(t)
			outer := t.TempDir()
			to := filepath.Join(outer, "in", "to")
			if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
				t.Fatal(err)
			}
			_, err := archive.Restore(t.Context(), src, nil, archive.RestoreOptions{To: to})
			if err == nil {
				t.Fatal("Restore took it")
			}
			report, verifyErr := archive.Verify(t.Context(), src, nil, archive.VerifyOptions{})
			// What Verify cannot see is what only a file system can: a path below a file, a link to nothing.
			disk := name == "path through a file" || name == "hard link to nothing"
			if verifyErr == nil && report.OK() && !disk {
				t.Error("Verify takes it")
			}
			if verifyErr != nil && !errs.Is(verifyErr, errs.Corrupt) && name != "other method" {
				t.Errorf("Verify: kind %s: %v", errs.KindOf(verifyErr), verifyErr)
			}
			entries, err := os.ReadDir(filepath.Dir(to))
			if err != nil || len(entries) > 1 {
				t.Errorf("written outside: %v, %v", entries, err)
			}
			if _, err := os.Stat(to); err == nil {
				if _, err := os.Stat(filepath.Join(to, ".drydock-incomplete")); err != nil {
					t.Error("what is left is not marked as incomplete")
				}
			}
			if up, _ := os.ReadDir(outer); len(up) != 1 {
				t.Errorf("written far outside: %v", up)
			}
		})
	}
}

// A symlink in the artifact is made after all files, so none is written through it.
func TestNoFileThroughALink(t *testing.T) {
	f := newForged().add(manifest.File{Path: "d", Type: manifest.Symlink, Target: "e"}, "e").
		add(manifest.File{Path: "e", Type: manifest.Directory}, "").add(manifest.File{Path: "d/x"}, "evil")
	_, err := archive.Restore(t.Context(), f.build(t, nil), nil, archive.RestoreOptions{To: t.TempDir()})
	if err == nil {
		t.Error("Restore took it")
	}
}

func TestRestoreRefusesAFullDirectory(t *testing.T) {
	src := newForged().add(manifest.File{Path: "a"}, "x").build(t, nil)
	to := t.TempDir()
	put(t, to, "ibdata1", []byte("precious"))
	_, err := archive.Restore(t.Context(), src, nil, archive.RestoreOptions{To: to})
	if !errs.Is(err, errs.Exists) || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("Restore: %v", err)
	}
	if got, _ := os.ReadDir(to); len(got) != 1 {
		t.Errorf("directory holds %v", got)
	}
	_, err = archive.Restore(t.Context(), src, nil, archive.RestoreOptions{To: filepath.Join(to, "ibdata1")})
	if err == nil {
		t.Error("Restore to a file worked")
	}
	_, err = archive.Restore(t.Context(), src, nil, archive.RestoreOptions{To: t.TempDir(), Only: []string{"zzz"}})
	if !errs.Is(err, errs.NotFound) {
		t.Errorf("nothing matches: %v", err)
	}
}

// A damaged file does not keep the others from coming back, and the directory stays marked.
func TestRestoreOfADamagedArtifact(t *testing.T) {
	f := newForged().add(manifest.File{Path: "a"}, "aaaa").add(manifest.File{Path: "b"}, "bbbb").
		add(manifest.File{Path: "c"}, "cccc")
	src := f.build(t, nil)
	data, _ := io.ReadAll(src)
	data[bytes.Index(data, []byte("bbbb"))] ^= 1
	to := t.TempDir()
	_, err := archive.Restore(t.Context(), bytes.NewReader(data), nil, archive.RestoreOptions{To: to})
	if !errs.Is(err, errs.Corrupt) || !strings.Contains(err.Error(), `"b"`) || !strings.Contains(err.Error(), "incomplete") {
		t.Errorf("Restore: %v", err)
	}
	for _, name := range []string{".drydock-restore/files/a", ".drydock-restore/files/c", ".drydock-incomplete"} {
		if _, err := os.Stat(filepath.Join(to, name)); err != nil {
			t.Error(err)
		}
	}
	other := newForged().add(manifest.File{Path: "other"}, "x").build(t, nil)
	_, err = archive.Restore(t.Context(), other, nil, archive.RestoreOptions{To: to})
	if !errs.Is(err, errs.Exists) || !strings.Contains(err.Error(), "unfinished restore") {
		t.Errorf("restore of another artifact: %v", err)
	}
	report, err := archive.Verify(t.Context(), bytes.NewReader(data), nil, archive.VerifyOptions{})
	if err != nil || len(report.Damaged) != 1 || report.Damaged[0].Path != "b" || !errs.Is(report.Err(), errs.Corrupt) {
		t.Errorf("Verify: %v, %+v", err, report)
	}
}

// sample is a small artifact with every sort of entry.
func sample(tb testing.TB, method string) []byte {
	tb.Helper()
	root := tb.TempDir()
	put(tb, root, "db/frames", pages(3*8192+100))
	put(tb, root, "db/tiny", pages(100))
	put(tb, root, "empty", nil)
	putSparse(tb, root, "hole", 10*8192, map[int64][]byte{5: []byte("x")})
	link(tb, root, "l", "db/tiny")
	src, _ := pack(tb, newFrames(tb, method, 8192, 2), archive.Options{Root: root, Server: []byte(`{"version":"9.7"}`)})
	data, err := io.ReadAll(src)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// S2: an artifact that was cut off at any byte is not an artifact.
func TestCutOff(t *testing.T) {
	data := sample(t, "zstd")
	for n := range data {
		_, err := archive.Open(t.Context(), bytes.NewReader(data[:n]))
		if !errs.Is(err, errs.Corrupt) {
			t.Fatalf("cut off at %d of %d: %v", n, len(data), err)
		}
	}
	if _, err := archive.Open(t.Context(), bytes.NewReader(append(data, 0))); !errs.Is(err, errs.Corrupt) {
		t.Errorf("a byte more: %v", err)
	}
}

// S2, R4.5: whatever bits are altered, wherever: Verify finds it.
func TestAlteredBitsAreFound(t *testing.T) {
	for _, method := range []string{"store", "deflate", "zstd"} {
		t.Run(method, func(t *testing.T) {
			data := sample(t, method)
			f := newFrames(t, method, 8192, 2)
			rapid.Check(t, func(r *rapid.T) {
				bad := bytes.Clone(data)
				at := rapid.IntRange(0, len(data)-1).Draw(r, "at")
				bad[at] ^= rapid.ByteRange(1, 255).Draw(r, "bits")
				found(at, r, t, bad, f)
			})
		})
	}
}

// Every byte of everything that is not packed data.
func TestEveryAlteredByteIsFound(t *testing.T) {
	data := sample(t, "deflate")
	f := newFrames(t, "deflate", 8192, 2)
	for at := len(data) - 1; at >= 0; at -= 1 + at%2*3 {
		bad := bytes.Clone(data)
		bad[at] ^= 0x80
		found(at, t, t, bad, f)
	}
}

func found(at int, r interface{ Fatalf(string, ...any) }, t *testing.T, bad []byte, f archive.Frames) {
	report, err := archive.Verify(t.Context(), bytes.NewReader(bad), f, archive.VerifyOptions{})
	switch {
	case err == nil && report.OK():
		r.Fatalf("byte %d of %d: not found", at, len(bad))
	case err != nil && !errs.Is(err, errs.Corrupt):
		r.Fatalf("byte %d: kind %s: %v", at, errs.KindOf(err), err)
	}
}

func TestVerifyKnowsTheManifest(t *testing.T) {
	src := newForged().add(manifest.File{Path: "a"}, "x").build(t, nil)
	_, err := archive.Verify(t.Context(), src, nil, archive.VerifyOptions{ManifestSHA256: strings.Repeat("0", 64)})
	if !errs.Is(err, errs.Corrupt) {
		t.Errorf("another manifest: %v", err)
	}
}

// A source that cannot be read is not a damaged artifact.
func TestReadErrorIsNotDamage(t *testing.T) {
	root := t.TempDir()
	put(t, root, "big", pages(1<<20))
	f := newFrames(t, "zstd", frameSize, 2)
	src, _ := pack(t, f, archive.Options{Root: root})
	for _, after := range []int64{0, 1, 3, 5, 6} {
		bad := &badSource{Reader: src}
		bad.left.Store(after)
		_, err := archive.Verify(t.Context(), bad, f, archive.VerifyOptions{})
		if !errors.Is(err, errDisk) {
			t.Errorf("after %d reads: %v", after, err)
		}
	}
}

var errDisk = fmt.Errorf("input/output error")

type badSource struct {
	*bytes.Reader
	left atomic.Int64
}

func (b *badSource) ReadAt(p []byte, off int64) (int, error) {
	if b.left.Add(-1) < 0 {
		return 0, errDisk
	}
	return b.Reader.ReadAt(p, off)
}

func TestWrongCompressor(t *testing.T) {
	root := t.TempDir()
	put(t, root, "big", pages(1<<20))
	src, _ := pack(t, newFrames(t, "zstd", frameSize, 2), archive.Options{Root: root})
	for name, f := range map[string]archive.Frames{
		"none": nil, "other": newFrames(t, "deflate", frameSize, 2), "too small": newFrames(t, "zstd", frameSize/2, 2),
	} {
		if _, err := archive.Verify(t.Context(), src, f, archive.VerifyOptions{}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(sample(f, "store"))
	f.Add(sample(f, "zstd"))
	f.Add([]byte("PK\x05\x06"))
	for _, build := range hostile() {
		data, _ := io.ReadAll(build(f))
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := archive.Open(t.Context(), bytes.NewReader(data))
		if err != nil {
			if !errs.Is(err, errs.Corrupt) {
				t.Errorf("kind %s: %v", errs.KindOf(err), err)
			}
			return
		}
		err = r.Files(t.Context(), func(f archive.File) error {
			if f.Data+f.Packed > int64(len(data)) {
				t.Errorf("%q lies beyond the end", f.Path)
			}
			return nil
		})
		if err != nil && !errs.Is(err, errs.Corrupt) {
			t.Errorf("kind %s: %v", errs.KindOf(err), err)
		}
	})
}
