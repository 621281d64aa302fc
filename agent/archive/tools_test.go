package archive_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/archive"
)

// tool runs a program that has to accept an artifact.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed: apt-get install unzip 7zip python3", name)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// toolTree has everything that tools have trouble with, but for names that they cannot show.
func toolTree(t *testing.T) string {
	root := t.TempDir()
	largeFiles(t, root)
	sparseFiles(t, root)
	emptyDirs(t, root)
	linksInside(t, root)
	frameBorders(t, root)
	put(t, root, "empty", nil)
	put(t, root, "caf\u00e9/\u65e5\u672c\u8a9e", pages(5000))
	put(t, root, "latin1-\xe9", pages(5000))
	return root
}

func artifactFile(t *testing.T, src *bytes.Reader) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "Data.zip")
	f, err := os.Create(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

const pythonTest = `
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(len(z.namelist()), sum(i.file_size for i in z.infolist()))
`

// Standard tools open the artifact without a word of complaint.
func TestTools(t *testing.T) {
	root := toolTree(t)
	tests := map[string][]string{
		"store":   {"unzip", "7zz", "python3"},
		"deflate": {"unzip", "7zz", "python3"},
		"zstd":    {"7zz"},
	}
	for method, tools := range tests {
		t.Run(method, func(t *testing.T) {
			src, s := pack(t, newFrames(t, method, frameSize, 3), archive.Options{Root: root})
			p := artifactFile(t, src)
			for _, name := range tools {
				switch name {
				case "unzip":
					out := tool(t, "unzip", "-t", p)
					if !strings.Contains(out, "No errors detected") || strings.Contains(out, "warning") {
						t.Errorf("unzip -t: %s", out)
					}
				case "7zz":
					out := tool(t, "7zz", "t", p)
					if !strings.Contains(out, "Everything is Ok") || strings.Contains(strings.ToLower(out), "warning") {
						t.Errorf("7zz t: %s", out)
					}
				case "python3":
					if out := tool(t, "python3", "-c", pythonTest, p); !strings.HasPrefix(out, fmt.Sprint(s.Entries, " ")) {
						t.Errorf("python: %s, want %d entries", out, s.Entries)
					}
				}
			}
		})
	}
}

// What unzip and 7-Zip extract is the data directory, without drydock.
func TestToolsExtract(t *testing.T) {
	root := toolTree(t)
	if err := os.RemoveAll(filepath.Join(root, "latin1-\xe9")); err != nil { // unzip renames what is not UTF-8
		t.Fatal(err)
	}
	remove(t, root, "self") // 7-Zip calls links that lead up dangerous
	remove(t, root, "db/up")
	want := survey(t, root)
	for method, extract := range map[string]func(t *testing.T, p, to string){
		"deflate": func(t *testing.T, p, to string) { tool(t, "unzip", "-q", "-X", p, "-d", to) },
		"zstd":    func(t *testing.T, p, to string) { tool(t, "7zz", "x", "-snld", "-o"+to, p) },
	} {
		t.Run(method, func(t *testing.T) {
			src, _ := pack(t, newFrames(t, method, frameSize, 3), archive.Options{Root: root})
			to := filepath.Join(t.TempDir(), "out")
			extract(t, artifactFile(t, src), to)
			got := survey(t, to)
			delete(got, ".drydock")
			delete(got, ".drydock/manifest.json")
			for p, w := range want {
				if p != "." && got[p].Content != w.Content {
					t.Errorf("%q differs: %+v, want %+v", p, got[p], w)
				}
				if p != "." && w.Mode.IsRegular() && got[p].Mode != w.Mode {
					t.Errorf("%q has mode %v, want %v", p, got[p].Mode, w.Mode)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d things extracted, want %d", len(got), len(want))
			}
		})
	}
}

func TestGoReadsIt(t *testing.T) {
	root := toolTree(t)
	src, s := pack(t, newFrames(t, "deflate", frameSize, 3), archive.Options{Root: root})
	z, err := zip.NewReader(src, src.Size())
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(z.File)) != s.Entries {
		t.Errorf("%d entries, want %d", len(z.File), s.Entries)
	}
	want := survey(t, root)
	for _, f := range z.File[:len(z.File)-1] {
		info := f.FileInfo()
		w := want[strings.TrimSuffix(f.Name, "/")]
		if info.Mode() != w.Mode || !w.MTime.IsZero() && f.Modified.Unix() != w.MTime.Unix() {
			t.Errorf("%q: mode %v at %v, want %v at %v", f.Name, info.Mode(), f.Modified, w.Mode, w.MTime)
		}
		if info.Mode().IsRegular() {
			if diff := cmp.Diff(w.Content, zipDigest(t, f)); diff != "" {
				t.Errorf("%q: %s", f.Name, diff)
			}
		}
	}
	if !strings.HasPrefix(z.Comment, "drydock 1 manifest-sha256="+s.ManifestSHA256) {
		t.Errorf("comment = %q", z.Comment)
	}
}

func zipDigest(t *testing.T, f *zip.File) string {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(p, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return digestOf(t, p)
}

// R4.1: more entries than 16 bits count, in bounded time.
func TestManyFiles(t *testing.T) {
	const count = 70000
	root := memoryDir(t)
	for i := range count / 1000 {
		makeDir(t, root, fmt.Sprint(i))
		for j := range 1000 {
			if err := os.WriteFile(filepath.Join(root, fmt.Sprint(i), fmt.Sprint(j)), []byte{byte(i), byte(j)}, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	f := newFrames(t, "deflate", frameSize, 3)
	src, s := pack(t, f, archive.Options{Root: root})
	if s.Files != count || s.Entries != count+count/1000+1 {
		t.Errorf("summary = %+v", s)
	}
	report, err := archive.Verify(t.Context(), src, f, archive.VerifyOptions{})
	if err != nil || !report.OK() || report.Files != count {
		t.Errorf("Verify: %v, %+v", err, report)
	}
	p := artifactFile(t, src)
	tool(t, "unzip", "-qt", p)
	tool(t, "7zz", "t", p)
	tool(t, "python3", "-c", pythonTest, p)
	z, err := zip.NewReader(src, src.Size())
	if err != nil || len(z.File) != int(s.Entries) {
		t.Errorf("archive/zip: %v", err)
	}
}

// memoryDir is a directory where files are cheap to make, where the system has one.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "drydock-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// R4.1: a file larger than 32 bits, mostly hole, is fast and right.
func TestMoreThan4GiB(t *testing.T) {
	const size = 4<<30 + 12345
	root := t.TempDir()
	putSparse(t, root, "big", size, map[int64][]byte{4 << 30: pages(8192)})
	put(t, root, "zz-after", pages(70000))
	f := newFrames(t, "zstd", 4<<20, 2)
	src, _ := pack(t, f, archive.Options{Root: root})
	to := t.TempDir()
	if _, err := archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to, Only: []string{"big"}}); err != nil {
		t.Fatal(err)
	}
	if a := allocated(t, filepath.Join(to, "big")); a > 1<<20 {
		t.Errorf("restored file takes %d bytes on the disk", a)
	}
	out := tool(t, "7zz", "l", "-slt", artifactFile(t, src))
	if !strings.Contains(out, fmt.Sprintf("Size = %d\n", int64(size))) {
		t.Errorf("7zz l: %s", out)
	}
}
