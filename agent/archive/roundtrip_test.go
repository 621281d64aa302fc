package archive_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/archive/manifest"
)

const frameSize = 64 << 10

var when = time.Date(2021, 3, 4, 5, 6, 7, 123456789, time.UTC)

// trees are data directories that must come back exactly as they were.
func trees() map[string]func(t *testing.T, root string) {
	return map[string]func(t *testing.T, root string){
		"nothing":         func(*testing.T, string) {},
		"one empty file":  func(t *testing.T, root string) { put(t, root, "auto.cnf", nil) },
		"large files":     largeFiles,
		"tiny files":      tinyFiles,
		"empty dirs":      emptyDirs,
		"sparse":          sparseFiles,
		"odd names":       oddNames,
		"modes":           modes,
		"links inside":    linksInside,
		"frame borders":   frameBorders,
		"zeros on disk":   func(t *testing.T, root string) { put(t, root, "redo", make([]byte, 5*frameSize+77)) },
		"owners":          ownersTree,
		"old and new":     oldAndNew,
		"several names":   severalNames,
		"read-only files": func(t *testing.T, root string) { put(t, root, "f", pages(999)); look(t, root, "f", 0o400, when) },
	}
}

func largeFiles(t *testing.T, root string) {
	put(t, root, "ibdata1", pages(3<<20+17))
	put(t, root, "db/big.ibd", pages(5<<20))
}

func tinyFiles(t *testing.T, root string) {
	for i := range 400 {
		put(t, root, fmt.Sprintf("db%d/t%d.frm", i%7, i), pages(i*4))
	}
}

func emptyDirs(t *testing.T, root string) {
	makeDir(t, root, "a/b/c/d")
	makeDir(t, root, "#innodb_temp")
	look(t, root, "a/b/c", 0o700, when)
	look(t, root, "#innodb_temp", 0o2770, when)
}

func sparseFiles(t *testing.T, root string) {
	putSparse(t, root, "all-hole", 40*frameSize, nil)
	putSparse(t, root, "ends-in-hole", 40*frameSize+5, map[int64][]byte{3: pages(9000)})
	putSparse(t, root, "ends-in-data", 40*frameSize, map[int64][]byte{40*frameSize - 10: pages(10)})
	putSparse(t, root, "holes", 40*frameSize+1, map[int64][]byte{
		frameSize - 4096: pages(8192), 9 * frameSize: pages(frameSize), 17*frameSize + 8192: pages(4096),
	})
}

func oddNames(t *testing.T, root string) {
	names := []string{
		"new\nline", "quo'te\"s", "-leading-dash", " space ", "back\\slash", "caf\u00e9-nfc", "cafe\u0301-nfd", "\u65e5\u672c\u8a9e",
		"latin1-\xe9", "\xff\xfe", "\x01\x02", "*?[glob]", "%41", "c:drive", "...", "..dots", ".hidden", "@0024db", "&amp;<x>",
		strings.Repeat("x", 255), strings.Repeat("\u00e9", 127),
	}
	for _, name := range names {
		put(t, root, name, []byte("content of "+name))
		put(t, root, "dir-"+name[:min(len(name), 200)]+"/"+name, pages(2000))
	}
	link(t, root, "to-latin1", "latin1-\xe9")
}

func modes(t *testing.T, root string) {
	for i, mode := range []os.FileMode{0o600, 0o640, 0o444, 0o777, 0o4755, 0o2755, 0} {
		name := fmt.Sprintf("f%d", i)
		put(t, root, name, []byte{byte(i)})
		m := mode & 0o777
		if mode&0o4000 != 0 {
			m |= os.ModeSetuid
		}
		if mode&0o2000 != 0 {
			m |= os.ModeSetgid
		}
		look(t, root, name, m, when.Add(time.Duration(i)))
	}
	put(t, root, "locked/in", []byte("x"))
	look(t, root, "locked", 0o500, when)
}

func linksInside(t *testing.T, root string) {
	put(t, root, "db/t.MYD", pages(5000))
	link(t, root, "t.MYD", "db/t.MYD")
	link(t, root, "db/up", "../t.MYD")
	link(t, root, "dir", "db")
	link(t, root, "dangling", "not/there")
	link(t, root, "self", ".")
}

func frameBorders(t *testing.T, root string) {
	for _, n := range []int{1, 1023, 1024, 1025, frameSize - 1, frameSize, frameSize + 1, 2 * frameSize, 2*frameSize + 1} {
		put(t, root, fmt.Sprintf("n%d", n), pages(n))
	}
}

func ownersTree(t *testing.T, root string) {
	put(t, root, "db/mine", []byte("x"))
	link(t, root, "l", "db")
	if os.Geteuid() != 0 {
		return
	}
	for _, p := range []string{"db", "db/mine", "l", "."} {
		if err := os.Lchown(filepath.Join(root, p), 12345, 54321); err != nil {
			t.Fatal(err)
		}
	}
}

func oldAndNew(t *testing.T, root string) {
	for i, at := range []time.Time{
		time.Unix(0, 1), time.Unix(-86400*365*9, 5), time.Date(1979, 12, 31, 0, 0, 0, 0, time.UTC),
		time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2120, 1, 1, 0, 0, 0, 7, time.UTC),
	} {
		name := fmt.Sprintf("t%d", i)
		put(t, root, name, []byte("x"))
		look(t, root, name, 0o644, at)
	}
}

func severalNames(t *testing.T, root string) {
	put(t, root, "a/one", pages(100000))
	for _, name := range []string{"b", "zz"} {
		if err := os.Link(filepath.Join(root, "a/one"), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// R3.2, S2: bytes, modes, owners, times, holes and links come back.
func TestRoundTrip(t *testing.T) {
	for _, method := range []string{"store", "deflate", "zstd"} {
		for name, build := range trees() {
			t.Run(method+"/"+name, func(t *testing.T) {
				root, to := t.TempDir(), filepath.Join(t.TempDir(), "new")
				build(t, root)
				look(t, root, ".", 0o751, when)
				f := newFrames(t, method, frameSize, 3)
				src, s := pack(t, f, archive.Options{Root: root, Artifact: archive.ArtifactInfo{ID: "r1"}})
				if s.ArtifactBytes != src.Size() {
					t.Errorf("ArtifactBytes = %d, want %d", s.ArtifactBytes, src.Size())
				}
				report, err := archive.Verify(t.Context(), src, f, archive.VerifyOptions{ManifestSHA256: s.ManifestSHA256})
				if err != nil || !report.OK() {
					t.Fatalf("Verify: %v, %+v", err, report.Damaged)
				}
				got, err := archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to})
				if err != nil {
					t.Fatal(err)
				}
				if got.Files != s.Files || got.Bytes != s.Bytes || got.Dirs != s.Dirs || got.Symlinks != s.Symlinks {
					t.Errorf("Restore says %+v, Write said %+v", got, s)
				}
				if diff := cmp.Diff(survey(t, root), survey(t, to)); diff != "" {
					t.Errorf("restored tree differs (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestHolesComeBack(t *testing.T) {
	root, to := t.TempDir(), t.TempDir()
	putSparse(t, root, "s", 64<<20, map[int64][]byte{33<<20 + 4096: pages(8192)})
	f := newFrames(t, "zstd", 1<<20, 2)
	src, s := pack(t, f, archive.Options{Root: root})
	if src.Size() > 100<<10 {
		t.Errorf("artifact of a hole has %d bytes", src.Size())
	}
	entry := list(t, src)["s"]
	if !entry.Sparse || entry.Size != 64<<20 || entry.Allocated >= 1<<20 || s.Bytes != 64<<20 {
		t.Errorf("entry = %+v", entry)
	}
	if _, err := archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	if a := allocated(t, filepath.Join(to, "s")); a > 64<<10 {
		t.Errorf("restored file takes %d bytes on the disk", a)
	}
	if diff := cmp.Diff(survey(t, root), survey(t, to)); diff != "" {
		t.Error(diff)
	}
}

// A file without holes that holds long runs of zeros has all of its room when it comes back, whether they are written or not.
func TestZerosTakeTheirRoom(t *testing.T) {
	root, to := t.TempDir(), t.TempDir()
	content := slices.Concat(pages(300_000), make([]byte, 6<<20), pages(5000), make([]byte, 70_001), pages(1<<20), make([]byte, 1<<20))
	put(t, root, "f", content)
	f := newFrames(t, "zstd", 1<<20, 3)
	src, _ := pack(t, f, archive.Options{Root: root})
	if entry := list(t, src)["f"]; entry.Sparse {
		t.Fatalf("it has holes: %+v", entry)
	}
	if _, err := archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	if a := allocated(t, filepath.Join(to, "f")); a < int64(len(content)) {
		t.Errorf("restored file of %d bytes has %d on the disk", len(content), a)
	}
	if diff := cmp.Diff(survey(t, root), survey(t, to)); diff != "" {
		t.Error(diff)
	}
}

func TestSecondNamesAreLinkedAgain(t *testing.T) {
	root, to := t.TempDir(), t.TempDir()
	severalNames(t, root)
	f := newFrames(t, "zstd", frameSize, 2)
	src, _ := pack(t, f, archive.Options{Root: root})
	files := list(t, src)
	if files["zz"].SameFile != "b" || files["a/one"].SameFile != "b" || files["b"].SameFile != "" {
		t.Errorf("same files: %q %q %q", files["b"].SameFile, files["zz"].SameFile, files["a/one"].SameFile)
	}
	if _, err := archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	a, errA := os.Stat(filepath.Join(to, "a/one"))
	b, errB := os.Stat(filepath.Join(to, "zz"))
	if errA != nil || errB != nil || !os.SameFile(a, b) {
		t.Errorf("restored names are not one file: %v %v", errA, errB)
	}
}

func TestRestoreOnly(t *testing.T) {
	root := t.TempDir()
	severalNames(t, root)
	put(t, root, "db/x.ibd", pages(5000))
	put(t, root, "db/y.ibd", pages(5000))
	put(t, root, "other/x.ibd", pages(5000))
	f := newFrames(t, "deflate", frameSize, 2)
	src, _ := pack(t, f, archive.Options{Root: root})
	tests := map[string]struct {
		only []string
		want []string
	}{
		"a directory":    {[]string{"db"}, []string{"db", "db/x.ibd", "db/y.ibd"}},
		"one file":       {[]string{"db/x.ibd"}, []string{"db", "db/x.ibd"}},
		"by pattern":     {[]string{"**/x.ibd"}, []string{"db", "db/x.ibd", "other", "other/x.ibd"}},
		"second name":    {[]string{"zz"}, []string{"zz"}},
		"several":        {[]string{"zz", "a/*"}, []string{"a", "a/one", "zz"}},
		"all that is in": {[]string{"a/**"}, []string{"a", "a/one"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			to := t.TempDir()
			if _, err := archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to, Only: test.only}); err != nil {
				t.Fatal(err)
			}
			var got []string
			for p := range survey(t, to) {
				if p != "." {
					got = append(got, p)
				}
			}
			if diff := cmp.Diff(test.want, got, sorted()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestManifestSaysWhatItIsTold(t *testing.T) {
	root := t.TempDir()
	put(t, root, "ibdata1", pages(300000))
	info := archive.ArtifactInfo{ID: "01J", Job: "nightly", Started: when, Compressor: "zstd", CompressorVersion: "1.2",
		CompressorLevel: "fastest", Drydock: "0.1.0"}
	f := newFrames(t, "zstd", frameSize, 2)
	src, _ := pack(t, f, archive.Options{Root: root, Artifact: info, Server: []byte(`{"version":"9.7.0","gtid":"a:1-5"}`)})
	r, err := archive.Open(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	h := r.Header()
	if diff := cmp.Diff(info, h.Artifact); diff != "" {
		t.Error(diff)
	}
	if string(h.Server) != `{"version":"9.7.0","gtid":"a:1-5"}` || h.Method != 93 || h.FrameSize != frameSize {
		t.Errorf("header = %+v", h)
	}
	if h.Totals.Files != 1 || h.Totals.Bytes != 300000 || h.Version != manifest.Version {
		t.Errorf("totals = %+v", h.Totals)
	}
	if n, _ := list(t, src)["ibdata1"].Frames.Totals(); n != 5 {
		t.Errorf("%d frames, want 5", n)
	}
}
