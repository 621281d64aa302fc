//go:build unix

package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/sdk/errs"
)

func TestExclude(t *testing.T) {
	root := shortDir(t)
	socket(t, filepath.Join(root, "mysql.sock"))
	names := []string{"host.pid", "db/x.pid", "mysql.sock.lock", "ibdata1", "tmp/a/b", "slow.log", "db/t.ibd", "db/slow.log"}
	for _, name := range names {
		put(t, root, name, []byte(name))
	}
	o := archive.Options{Root: root, Exclude: []string{"tmp/**", "*.log", filepath.ToSlash(realPath(t, root)) + "/db/t.*"}}
	src, s := pack(t, newFrames(t, "zstd", frameSize, 2), o)
	var got []string
	for p := range list(t, src) {
		got = append(got, p)
	}
	if diff := cmp.Diff([]string{"db", "db/slow.log", "ibdata1"}, got, sorted()); diff != "" {
		t.Error(diff)
	}
	if s.Skipped != 7 {
		t.Errorf("%d skipped, want 7", s.Skipped)
	}
	r, err := archive.Open(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if e := r.Header().Excluded; e.Count != 7 || len(e.Paths) != 7 || len(e.Patterns) != 6 {
		t.Errorf("manifest says excluded: %+v", e)
	}
	_, err = archive.Scan(t.Context(), archive.Options{Root: root, Exclude: []string{"[a"}})
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("bad pattern: %v", err)
	}
}

func realPath(t *testing.T, p string) string {
	t.Helper()
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		t.Fatal(err)
	}
	return real
}

// Tables with DATA DIRECTORY (MyISAM) and databases on another disk (MariaDB) are symlinks that leave the data
// directory: they come back as what they point to.
func TestSymlinkedTablespaces(t *testing.T) {
	root, disk := t.TempDir(), realPath(t, t.TempDir())
	put(t, disk, "db2/t.ibd", pages(200000))
	put(t, disk, "db2/opt", []byte("x"))
	link(t, disk, "db2/inner", "opt")
	put(t, disk, "t.MYD", pages(3000))
	put(t, root, "db1/other", nil)
	link(t, root, "db2", filepath.Join(disk, "db2"))
	link(t, root, "db1/t.MYD", filepath.Join(disk, "t.MYD"))
	link(t, root, "db3", filepath.Join(disk, "db2"))
	link(t, root, "absolute", filepath.Join(realPath(t, root), "db1/other"))
	f := newFrames(t, "zstd", frameSize, 2)
	src, s := pack(t, f, archive.Options{Root: root})
	files := list(t, src)
	if f := files["db2"]; f.Type != manifest.Directory || f.Followed != filepath.Join(disk, "db2") || f.Origin != f.Followed {
		t.Errorf("db2 = %+v", f)
	}
	if f := files["db2/t.ibd"]; f.Origin != filepath.Join(disk, "db2/t.ibd") || f.Followed != "" {
		t.Errorf("db2/t.ibd = %+v", f)
	}
	if s.Symlinks != 3 {
		t.Errorf("%d symlinks, want 3", s.Symlinks)
	}
	to := t.TempDir()
	if _, err := archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	got := survey(t, to)
	want := survey(t, disk)
	same := map[string]string{"db2/t.ibd": "db2/t.ibd", "db1/t.MYD": "t.MYD", "db2/opt": "db2/opt", "db2/inner": "db2/inner"}
	for in, from := range same {
		if diff := cmp.Diff(want[from], got[in]); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
	// A link that was absolute must not lead from the copy to the original.
	if got["absolute"].Content != "db1/other" || got["db3"].Content != "db2" {
		t.Errorf("links lead to %q and %q", got["absolute"].Content, got["db3"].Content)
	}
}

func TestOutsidePaths(t *testing.T) {
	root, disk := t.TempDir(), realPath(t, t.TempDir())
	put(t, disk, "ts/general.ibd", pages(100000))
	put(t, disk, "binlog/b.000001", pages(500))
	put(t, disk, "binlog/b.index", pages(20))
	put(t, root, "in.ibd", pages(10))
	link(t, root, "linked", filepath.Join(disk, "binlog"))
	o := archive.Options{Root: root, OutsidePaths: []string{
		filepath.Join(disk, "ts/general.ibd"), filepath.Join(disk, "binlog/b.index"), filepath.Join(realPath(t, root), "in.ibd"),
		filepath.Join(disk, "ts"),
	}}
	f := newFrames(t, "zstd", frameSize, 2)
	src, _ := pack(t, f, o)
	r, err := archive.Open(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	want := []manifest.OutsidePath{
		{Path: filepath.Join(disk, "ts/general.ibd"), Entry: ".drydock/outside/0000/general.ibd"},
		{Path: filepath.Join(disk, "binlog/b.index"), Entry: "linked/b.index"},
		{Path: filepath.Join(disk, "ts"), Entry: ".drydock/outside/0002/ts"},
	}
	if diff := cmp.Diff(want, r.Header().Outside); diff != "" {
		t.Error(diff)
	}
	if f := list(t, src)[".drydock/outside/0000/general.ibd"]; f.Origin != filepath.Join(disk, "ts/general.ibd") {
		t.Errorf("origin = %q", f.Origin)
	}
	to := t.TempDir()
	if _, err := archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	a, b := survey(t, disk)["ts/general.ibd"], survey(t, to)[".drydock/outside/0000/general.ibd"]
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
}

func TestKeyrings(t *testing.T) {
	const secret = "the key of all keys, which must not leak"
	root, etc := t.TempDir(), realPath(t, t.TempDir())
	put(t, etc, "keyring", []byte(secret))
	put(t, root, "ibdata1", pages(100))
	put(t, root, "sub/keyring_file", []byte(secret))
	put(t, root, "sub/keyring_file.backup", []byte(secret))
	link(t, root, "keyring-link", filepath.Join(etc, "keyring"))
	if err := os.Link(filepath.Join(root, "sub/keyring_file"), filepath.Join(root, "second-name")); err != nil {
		t.Fatal(err)
	}
	o := archive.Options{Root: root, KeyringFiles: []string{"sub/keyring_file", filepath.Join(etc, "keyring"), "/gone"}}
	f := newFrames(t, "store", frameSize, 2)

	src, _ := pack(t, f, o)
	all := make([]byte, src.Size())
	if _, err := src.ReadAt(all, 0); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(all), secret) {
		t.Error("the keyring is in the archive")
	}
	r, err := archive.Open(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	k := r.Header().Keyrings
	if len(k) != 3 || k[0].Entry != "" ||
		k[1].Path != filepath.Join(etc, "keyring") || k[1].Size != int64(len(secret)) || !k[2].Gone {
		t.Errorf("keyrings = %+v", k)
	}

	o.IncludeKeyring, o.KeyringFiles = true, o.KeyringFiles[:2]
	if err := os.Remove(filepath.Join(root, "keyring-link")); err != nil {
		t.Fatal(err)
	}
	src, _ = pack(t, f, o)
	files := list(t, src)
	for _, p := range []string{"sub/keyring_file", ".drydock/keyring/0001/keyring"} {
		if files[p].Size != int64(len(secret)) {
			t.Errorf("%s = %+v", p, files[p])
		}
	}
}

// meddler changes the data directory while it is being written, when so many bytes have come.
type meddler struct {
	after int
	do    func()
}

func (m *meddler) Write(p []byte) (int, error) {
	if m.after -= len(p); m.after < 0 && m.do != nil {
		m.do()
		m.do = nil
	}
	return len(p), nil
}

// A copy of a data directory that something writes to is not consistent: the run fails and says where.
func TestChangedDuringCopy(t *testing.T) {
	tests := map[string]struct {
		meddle func(t *testing.T, root string)
		path   string // what is named
	}{
		"vanishes before it is read":  {func(t *testing.T, root string) { remove(t, root, "z") }, `"z"`},
		"vanishes after":              {func(t *testing.T, root string) { remove(t, root, "a") }, `"a"`},
		"grows":                       {func(t *testing.T, root string) { put(t, root, "z", pages(5<<20)) }, `"z"`},
		"shrinks":                     {func(t *testing.T, root string) { put(t, root, "z", pages(5)) }, `"z"`},
		"same size after it is read":  {func(t *testing.T, root string) { put(t, root, "a", pages(4<<20)) }, `"a"`},
		"appended to after":           {func(t *testing.T, root string) { add(t, filepath.Join(root, "a")) }, `"a"`},
		"replaced by a copy":          {replaceByCopy, `"a"`},
		"new file":                    {func(t *testing.T, root string) { put(t, root, "b/new", nil) }, `"b/new"`},
		"new file at the top":         {func(t *testing.T, root string) { put(t, root, "new", nil) }, `"new"`},
		"new file in a new directory": {func(t *testing.T, root string) { put(t, root, "n/new", nil) }, `"n"`},
		"new name of an old file": {func(t *testing.T, root string) {
			if err := os.Link(filepath.Join(root, "a"), filepath.Join(root, "second")); err != nil {
				t.Error(err)
			}
		}, `"second"`},
		"came and went": {func(t *testing.T, root string) {
			put(t, root, "b/brief", nil)
			remove(t, root, "b/brief")
		}, `"b"`},
		"tablespace outside": {func(t *testing.T, root string) { add(t, filepath.Join(root, "../away/t.ibd")) }, `"outside.ibd"`},
		"undo log outside":   {func(t *testing.T, root string) { add(t, filepath.Join(root, "../away/undo_001")) }, `undo_001"`},
		"link leads elsewhere": {func(t *testing.T, root string) {
			remove(t, root, "outside.ibd")
			link(t, root, "outside.ibd", "../away/undo_001")
		}, "changed"},
		"mode": {func(t *testing.T, root string) { look(t, root, "a", 0o600, when) }, `"a"`},
		"link instead of file": {func(t *testing.T, root string) {
			remove(t, root, "z")
			link(t, root, "z", "a")
		}, `"z"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "data")
			put(t, root, "a", pages(4<<20))
			put(t, root, "b/c", nil)
			put(t, root, "m", pages(8<<20))
			put(t, root, "z", pages(4<<20))
			put(t, root, "../away/t.ibd", pages(100))
			put(t, root, "../away/undo_001", pages(100))
			link(t, root, "outside.ibd", "../away/t.ibd")
			undo := filepath.Join(root, "../away/undo_001")
			w := &meddler{after: 5 << 20, do: func() { test.meddle(t, root) }}
			_, err := archive.Write(t.Context(), w, newFrames(t, "store", frameSize, 2),
				archive.Options{Root: root, OutsidePaths: []string{undo}})
			if !errors.Is(err, archive.ErrChanged) || !strings.Contains(err.Error(), test.path) {
				t.Errorf("Write: %v, want ErrChanged with %s", err, test.path)
			}
		})
	}
}

// add writes one byte behind the end of a file.
func add(t *testing.T, name string) {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Error(err)
		return
	}
	_, err = f.WriteString("x")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Error(err)
	}
}

// replaceByCopy puts a copy in the place of a file, with its content, size and time of modification.
func replaceByCopy(t *testing.T, root string) {
	name := filepath.Join(root, "a")
	info, err := os.Stat(name)
	if err != nil {
		t.Error(err)
		return
	}
	put(t, root, "a.new", pages(4<<20))
	err = errors.Join(os.Chmod(name+".new", info.Mode()), os.Chtimes(name+".new", time.Time{}, info.ModTime()),
		os.Rename(name+".new", name))
	if err != nil {
		t.Error(err)
	}
}

// What has changed is named, all of it, up to a bound; the number of files does not matter.
func TestChangesAreNamed(t *testing.T) {
	root := t.TempDir()
	for i := range 3000 {
		put(t, root, fmt.Sprintf("db%d/t%04d.ibd", i%3, i), nil)
	}
	put(t, root, "m", pages(4<<20))
	w := &meddler{after: 1 << 20, do: func() {
		add(t, filepath.Join(root, "db1/t0001.ibd"))
		remove(t, root, "db1/t0004.ibd")
		put(t, root, "db2/new.ibd", nil)
		for i := range 30 {
			put(t, root, fmt.Sprintf("new/%d", i), nil)
			remove(t, root, fmt.Sprintf("db0/t%04d.ibd", 3*i))
		}
	}}
	_, err := archive.Write(t.Context(), w, newFrames(t, "store", frameSize, 2), archive.Options{Root: root})
	if !errors.Is(err, archive.ErrChanged) {
		t.Fatalf("Write: %v", err)
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || lines[20] != "and 14 more" {
		t.Errorf("%d lines:\n%v", len(lines), err)
	}
}

// R6.4: a cancelled capture ends at once and gives back what it took; newFrames checks the slots.
func TestCancel(t *testing.T) {
	root := t.TempDir()
	put(t, root, "big", pages(16<<20))
	putSparse(t, root, "sparse", 1<<40, nil)
	for _, after := range []int{0, 1 << 20, 17 << 20} {
		ctx, cancel := context.WithCancel(t.Context())
		var canceled time.Time
		w := &meddler{after: after, do: func() { canceled = time.Now(); cancel() }}
		scratch := t.TempDir()
		_, err := archive.Write(ctx, w, newFrames(t, "store", frameSize, 3), archive.Options{Root: root, Scratch: scratch})
		if !errors.Is(err, context.Canceled) || errs.KindOf(err) != errs.Canceled || time.Since(canceled) > 20*time.Second {
			t.Errorf("after %d bytes: %v, %v later", after, err, time.Since(canceled))
		}
		if left, _ := os.ReadDir(scratch); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
}

// A sink or a compressor that fails ends the capture with its own error, kind and all.
func TestFailures(t *testing.T) {
	root := t.TempDir()
	put(t, root, "db/big", pages(4<<20))
	_, err := archive.Write(t.Context(), fullDisk{}, newFrames(t, "zstd", frameSize, 3), archive.Options{Root: root})
	if !errs.Is(err, errs.NoSpace) || !strings.Contains(err.Error(), "write archive") {
		t.Errorf("full disk: %v", err)
	}
	broken := newFrames(t, "zstd", frameSize, 3)
	broken.compress = func([]byte, []byte) ([]byte, error) { return nil, errs.New(errs.Transient, "plugin zstd was killed") }
	_, err = archive.Write(t.Context(), io.Discard, broken, archive.Options{Root: root})
	if !errs.Is(err, errs.Transient) || !strings.Contains(err.Error(), `compress "db/big": plugin zstd was killed`) {
		t.Errorf("broken compressor: %v", err)
	}
	_, err = archive.Write(t.Context(), io.Discard, newFrames(t, "zstd", frameSize, 3), archive.Options{Root: root + "/none"})
	if !errs.Is(err, errs.NotFound) {
		t.Errorf("no data directory: %v", err)
	}
	bad := archive.Options{Root: root, Server: []byte("{")}
	if _, err = archive.Write(t.Context(), io.Discard, newFrames(t, "zstd", frameSize, 3), bad); !errs.Is(err, errs.Invalid) {
		t.Errorf("facts that are not JSON: %v", err)
	}
	_, err = archive.Scan(t.Context(), archive.Options{Root: filepath.Join(root, "db/big")})
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("data directory is a file: %v", err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errs.New(errs.NoSpace, "spool is full") }

// R4.4: progress goes up to the whole and is not reported too often.
func TestProgress(t *testing.T) {
	root := t.TempDir()
	largeFiles(t, root)
	var last archive.Progress
	calls := 0
	pack(t, newFrames(t, "zstd", frameSize, 3), archive.Options{Root: root, Progress: func(p archive.Progress) {
		if p.Bytes < last.Bytes || p.Files < last.Files {
			t.Errorf("went back from %+v to %+v", last, p)
		}
		last = p
		calls++
	}})
	if last.Bytes != last.TotalBytes || last.Files != 2 || last.TotalFiles != 2 || last.Bytes != 8<<20+17 || calls > 100 {
		t.Errorf("last of %d: %+v", calls, last)
	}
}

func TestScan(t *testing.T) {
	root := t.TempDir()
	largeFiles(t, root)
	makeDir(t, root, "empty")
	link(t, root, "link", "ibdata1")
	putSparse(t, root, "hole", 100<<20, nil)
	for i := range 20 {
		put(t, root, string(rune('a'+i)), pages(i+1))
	}
	inv, err := archive.Scan(t.Context(), archive.Options{Root: root})
	if err != nil || inv.Err() != nil {
		t.Fatal(err, inv.Err())
	}
	if inv.Files != 23 || inv.Dirs != 2 || inv.Symlinks != 1 || inv.Bytes != 108<<20+17+210 || inv.Allocated > 9<<20 {
		t.Errorf("inventory = %+v", inv)
	}
	if len(inv.Largest) != 10 || inv.Largest[0].Path != "hole" || inv.Largest[1].Path != "db/big.ibd" || inv.Largest[9].Size != 14 {
		t.Errorf("largest = %+v", inv.Largest)
	}
}
