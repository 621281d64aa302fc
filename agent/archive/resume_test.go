package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// metered counts the bytes that are read of an artifact, and can end the reading.
type metered struct {
	*bytes.Reader
	read  atomic.Int64
	limit int64
}

func (m *metered) ReadAt(p []byte, off int64) (int, error) {
	if n := m.read.Add(int64(len(p))); m.limit > 0 && n > m.limit {
		return 0, errDisk
	}
	return m.Reader.ReadAt(p, off)
}

// dataDir makes something like a data directory with one large file.
func dataDir(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	put(t, root, "ibdata1", pages(6<<20))
	put(t, root, "mysql.ibd", pages(300000))
	put(t, root, "mysql/user.MYD", pages(1000))
	for _, name := range []string{"shop/orders.ibd", "shop/customers.ibd", "sakila/film.ibd"} {
		put(t, root, name, pages(200000+len(name)))
	}
	putSparse(t, root, "holes", 40*frameSize, map[int64][]byte{3: pages(9000), 30 * frameSize: pages(5000)})
	severalNames(t, root)
	linksInside(t, root)
	look(t, root, ".", 0o751, when)
	return root
}

// R5.2, R5.4: what an interrupted restore had brought to the disk is not fetched again, and is proven all the same.
func TestInterruptedRestoreGoesOn(t *testing.T) {
	root, to := dataDir(t), filepath.Join(t.TempDir(), "to")
	put(t, root, "ibdata1", pages(48<<20)) // some batches
	look(t, root, ".", 0o751, when)
	f := newFrames(t, "zstd", frameSize, 3)
	data, _ := pack(t, f, archive.Options{Root: root, Artifact: archive.ArtifactInfo{ID: "r1"}})
	whole := &metered{Reader: data}
	once := archive.RestoreOptions{To: filepath.Join(t.TempDir(), "whole")}
	if _, err := archive.Restore(t.Context(), whole, f, once); err != nil {
		t.Fatal(err)
	}
	var fetched int64
	var last archive.Summary
	for limit, rounds := whole.read.Load()/2, 0; ; rounds++ {
		if rounds == 10 {
			t.Fatal("it does not come to an end")
		}
		src := &metered{Reader: data, limit: limit}
		var err error
		last, err = archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to})
		fetched += min(src.read.Load(), limit)
		if err == nil {
			break
		}
		if !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
		wantUnfinished(t, to)
	}
	if !last.Resumed || last.Files == 0 {
		t.Errorf("summary of the last round: %+v", last)
	}
	// Each round reads the manifest again, and some batches that were under way.
	if most := whole.read.Load() * 9 / 4; fetched > most {
		t.Errorf("%d bytes were fetched, once whole are %d", fetched, whole.read.Load())
	}
	wantTree(t, root, to)
}

// wantUnfinished fails when the directory holds anything that a server would start on.
func wantUnfinished(t *testing.T, to string) {
	t.Helper()
	names := ls(t, to)
	if diff := cmp.Diff([]string{".drydock-incomplete", ".drydock-restore"}, names, sorted()); diff != "" {
		t.Errorf("an unfinished restore holds: %s", diff)
	}
}

func wantTree(t *testing.T, root, to string) {
	t.Helper()
	if diff := cmp.Diff(survey(t, root), survey(t, to)); diff != "" {
		t.Errorf("restored tree differs (-want +got):\n%s", diff)
	}
}

func ls(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Whatever somebody has done to the files of an unfinished restore: what comes out is right.
func TestResumeTrustsNothing(t *testing.T) {
	root := dataDir(t)
	f := newFrames(t, "zstd", frameSize, 3)
	data, _ := pack(t, f, archive.Options{Root: root, Artifact: archive.ArtifactInfo{ID: "r1"}})
	tests := map[string]func(t *testing.T, stage string){
		"bytes altered": func(t *testing.T, stage string) {
			eachFile(t, stage, func(p string, content []byte) []byte { content[len(content)/2] ^= 1; return content })
		},
		"cut short": func(t *testing.T, stage string) {
			eachFile(t, stage, func(p string, content []byte) []byte { return content[:len(content)/2] })
		},
		"grown": func(t *testing.T, stage string) {
			eachFile(t, stage, func(p string, content []byte) []byte { return append(content, 1, 2, 3) })
		},
		"gone": func(t *testing.T, stage string) {
			eachFile(t, stage, func(p string, content []byte) []byte { return nil })
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			to := t.TempDir()
			if _, err := archive.Restore(t.Context(), broken(t, data), f, archive.RestoreOptions{To: to}); !errs.Is(err, errs.Corrupt) {
				t.Fatalf("first: %v", err)
			}
			spoil(t, filepath.Join(to, archive.Staging, "files"))
			if _, err := archive.Restore(t.Context(), data, f, archive.RestoreOptions{To: to}); err != nil {
				t.Fatal(err)
			}
			wantTree(t, root, to)
		})
	}
}

// broken is an artifact whose sakila/film.ibd is damaged, so that a restore of it proves all else and stays unfinished.
func broken(t *testing.T, data *bytes.Reader) *bytes.Reader {
	t.Helper()
	bad := make([]byte, data.Size())
	if _, err := data.ReadAt(bad, 0); err != nil {
		t.Fatal(err)
	}
	e := list(t, data)["sakila/film.ibd"]
	bad[e.Data+e.Packed/2] ^= 1
	return bytes.NewReader(bad)
}

func eachFile(t *testing.T, dir string, change func(p string, content []byte) []byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		info, statErr := os.Lstat(p)
		if err != nil || statErr != nil || !info.Mode().IsRegular() || info.Size() == 0 {
			return errors.Join(err, statErr)
		}
		content, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if content = change(p, content); content == nil {
			return os.Remove(p)
		}
		if err := os.Remove(p); err != nil { // it may be read-only
			return err
		}
		return os.WriteFile(p, content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// spoiling alters a byte of a staged file once, as soon as the restore has written it.
type spoiling struct {
	*bytes.Reader
	staged string
	at     int64
	want   byte
	done   atomic.Bool
}

func (s *spoiling) ReadAt(p []byte, off int64) (int, error) {
	if err := s.spoil(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	return s.Reader.ReadAt(p, off)
}

func (s *spoiling) spoil() error {
	f, err := os.OpenFile(s.staged, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], s.at); err != nil || b[0] != s.want || !s.done.CompareAndSwap(false, true) {
		return nil // not written yet, or done
	}
	_, err = f.WriteAt([]byte{s.want ^ 1}, s.at)
	return err
}

// A disk that gives back something else than was written is found, and the artifact is not blamed for it.
func TestDiskThatLies(t *testing.T) {
	root, to, content := t.TempDir(), t.TempDir(), pages(24<<20)
	put(t, root, "ibdata1", content)
	f := newFrames(t, "zstd", frameSize, 3)
	data, _ := pack(t, f, archive.Options{Root: root, Artifact: archive.ArtifactInfo{ID: "r1"}})
	src := &spoiling{Reader: data, staged: filepath.Join(to, archive.Staging, "files", "ibdata1"), at: 5000, want: content[5000]}
	_, err := archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to})
	if err == nil || errs.Is(err, errs.Corrupt) || !strings.Contains(err.Error(), "the disk gives back something else") {
		t.Errorf("altered: %v; %v", src.done.Load(), err)
	}
	wantUnfinished(t, to)
	if _, err := archive.Restore(t.Context(), data, f, archive.RestoreOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	wantTree(t, root, to)
}

// Damage at the begin of a long file, of which parts are read back before its end comes, is the artifact's.
func TestDamageInALongFile(t *testing.T) {
	root, to := t.TempDir(), t.TempDir()
	put(t, root, "ibdata1", bytes.Repeat(pages(2<<20), 110))
	put(t, root, "mysql.ibd", pages(300000))
	f := newFrames(t, "zstd", 1<<20, 3)
	data, _ := pack(t, f, archive.Options{Root: root, Artifact: archive.ArtifactInfo{ID: "r1"}})
	bad := make([]byte, data.Size())
	if _, err := data.ReadAt(bad, 0); err != nil {
		t.Fatal(err)
	}
	e := list(t, data)["ibdata1"]
	bad[e.Data] ^= 1 // its first frame is none any more
	_, err := archive.Restore(t.Context(), bytes.NewReader(bad), f, archive.RestoreOptions{To: to})
	if !errs.Is(err, errs.Corrupt) || !strings.Contains(err.Error(), `1 damaged: "ibdata1"`) {
		t.Errorf("%v", err)
	}
	if _, err := archive.Restore(t.Context(), data, f, archive.RestoreOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	wantTree(t, root, to)
}

// An interrupted restore is gone on with only by the same one.
func TestResumeOfAnother(t *testing.T) {
	root := dataDir(t)
	f := newFrames(t, "zstd", frameSize, 3)
	data, _ := pack(t, f, archive.Options{Root: root, Artifact: archive.ArtifactInfo{ID: "r1"}})
	put(t, root, "more", []byte("x"))
	other, _ := pack(t, f, archive.Options{Root: root, Artifact: archive.ArtifactInfo{ID: "r2"}})
	to := t.TempDir()
	if _, err := archive.Restore(t.Context(), broken(t, data), f, archive.RestoreOptions{To: to}); !errs.Is(err, errs.Corrupt) {
		t.Fatalf("first: %v", err)
	}
	tests := map[string]struct {
		src archive.Source
		o   archive.RestoreOptions
	}{
		"another backup":  {other, archive.RestoreOptions{To: to}},
		"only a part":     {data, archive.RestoreOptions{To: to, Only: []string{"shop/*"}}},
		"with delta":      {data, archive.RestoreOptions{To: to, Delta: true}},
		"a spoiled mark":  {data, archive.RestoreOptions{To: to}},
		"a foreign file":  {data, archive.RestoreOptions{To: to}},
		"a foreign stage": {data, archive.RestoreOptions{To: t.TempDir()}},
	}
	order := []string{"another backup", "only a part", "with delta", "a foreign file", "a spoiled mark", "a foreign stage"}
	for _, name := range order {
		test := tests[name]
		switch name {
		case "a foreign file":
			put(t, to, "ib_logfile0", []byte("of a server that somebody has started here"))
		case "a spoiled mark":
			remove(t, to, "ib_logfile0")
			put(t, to, ".drydock-incomplete", []byte("not a journal"))
		case "a foreign stage":
			makeDir(t, test.o.To, archive.Staging)
		}
		_, err := archive.Restore(t.Context(), test.src, f, test.o)
		if !errs.Is(err, errs.Exists) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Ranged reads: a part costs little more than its own bytes.
func TestOnlyFetchesLittleMore(t *testing.T) {
	root := t.TempDir()
	put(t, root, "ibdata1", pages(8<<20))
	put(t, root, "sakila/film.ibd", pages(700000))
	put(t, root, "sakila/actor.ibd", pages(90000))
	put(t, root, "shop/orders.ibd", pages(8<<20))
	f := newFrames(t, "zstd", frameSize, 3)
	data, _ := pack(t, f, archive.Options{Root: root})
	var packed int64
	for p, e := range list(t, data) {
		if strings.HasPrefix(p, "sakila/") {
			packed += e.Packed
		}
	}
	src := &metered{Reader: data}
	to := t.TempDir()
	s, err := archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to, Only: []string{"sakila/*"}})
	if err != nil || s.Files != 2 || s.Written != 2 {
		t.Fatalf("%+v, %v", s, err)
	}
	if got := src.read.Load(); got < packed || got > packed+64<<10 {
		t.Errorf("%d bytes were read for %d, of %d", got, packed, data.Size())
	}
}

// Whether there is room is asked before anything is fetched or written.
func TestNoRoom(t *testing.T) {
	root := dataDir(t)
	f := newFrames(t, "store", frameSize, 3)
	data, _ := pack(t, f, archive.Options{Root: root})
	src := &metered{Reader: data}
	to := filepath.Join(t.TempDir(), "deep", "er")
	var asked string
	o := archive.RestoreOptions{To: to, Free: func(dir string) (int64, error) { asked = dir; return 6 << 20, nil }}
	_, err := archive.Restore(t.Context(), src, f, o)
	if !errs.Is(err, errs.NoSpace) || !strings.Contains(err.Error(), "nothing was fetched") {
		t.Errorf("%v", err)
	}
	if asked != filepath.Dir(filepath.Dir(to)) || src.read.Load() > 64<<10 {
		t.Errorf("asked %q after %d bytes", asked, src.read.Load())
	}
	if _, err := os.Lstat(to); err == nil {
		t.Error("the directory was made")
	}
	// What takes no room does not count: the file of holes, and what lies there already.
	o.Free = func(string) (int64, error) { return 9 << 20, nil }
	if _, err := archive.Restore(t.Context(), src, f, o); err != nil {
		t.Error(err)
	}
}

// A restore that is cancelled keeps what it has.
func TestCancelledRestore(t *testing.T) {
	root, to := dataDir(t), t.TempDir()
	f := newFrames(t, "zstd", frameSize, 3)
	data, _ := pack(t, f, archive.Options{Root: root})
	ctx, cancel := context.WithCancel(t.Context())
	o := archive.RestoreOptions{To: to, Progress: func(p archive.Progress) { cancel() }}
	if _, err := archive.Restore(ctx, data, f, o); !errors.Is(err, context.Canceled) {
		// So small a tree may be through before the first word of progress.
		if err != nil {
			t.Fatal(err)
		}
		wantTree(t, root, to)
		return
	}
	wantUnfinished(t, to)
	if _, err := archive.Restore(t.Context(), data, f, archive.RestoreOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	wantTree(t, root, to)
}

// Interrupted while the files move to their places, a directory lacks what no server starts without; the same call finishes
// the work.
func TestInterruptedWhilePlacing(t *testing.T) {
	root, to := dataDir(t), t.TempDir()
	f := newFrames(t, "zstd", frameSize, 3)
	data, _ := pack(t, f, archive.Options{Root: root})
	calls := 0
	o := archive.RestoreOptions{To: to, Idle: func() error {
		if calls++; calls == 2 { // everything is proven, nothing has moved yet
			put(t, to, "shop", []byte("in the way"))
		}
		return nil
	}}
	if _, err := archive.Restore(t.Context(), data, f, o); !errs.Is(err, errs.Exists) {
		t.Fatal(err)
	}
	for _, name := range ls(t, to) {
		if name == "mysql" || name == "mysql.ibd" {
			t.Errorf("%s is in its place", name)
		}
	}
	remove(t, to, "shop")
	src := &metered{Reader: data}
	s, err := archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to})
	if err != nil || !s.Resumed || s.Written != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	if src.read.Load() > 64<<10 {
		t.Errorf("%d bytes were fetched for files that were there", src.read.Load())
	}
	wantTree(t, root, to)
}
