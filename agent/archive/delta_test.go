package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// A delta makes a directory what the backup is, whatever it was.
func TestDelta(t *testing.T) {
	root := dataDir(t)
	f := newFrames(t, "zstd", frameSize, 3)
	data, _ := pack(t, f, archive.Options{Root: root, Artifact: archive.ArtifactInfo{ID: "r1"}})
	tests := map[string]struct {
		change  func(t *testing.T, to string)
		written int64
	}{
		"nothing": {func(*testing.T, string) {}, 0},
		"a page": {func(t *testing.T, to string) {
			content := pages(6 << 20)
			content[4<<20]++
			put(t, to, "ibdata1", content)
		}, 1},
		"sizes": {func(t *testing.T, to string) {
			put(t, to, "shop/orders.ibd", pages(9))
			put(t, to, "mysql/user.MYD", nil)
		}, 2},
		"more": {func(t *testing.T, to string) { put(t, to, "new/t.ibd", pages(99)); put(t, to, "shop/new.ibd", nil) }, 0},
		"less": {func(t *testing.T, to string) {
			if err := os.RemoveAll(filepath.Join(to, "mysql")); err != nil {
				t.Fatal(err)
			}
			remove(t, to, "mysql.ibd")
		}, 2},
		"looks": {func(t *testing.T, to string) {
			look(t, to, "shop/orders.ibd", 0o777, when)
			look(t, to, "shop", 0o700, when)
		}, 0},
		"file or dir": {func(t *testing.T, to string) { remove(t, to, "mysql.ibd"); put(t, to, "mysql.ibd/x", []byte("x")) }, 1},
		"dir or file": {func(t *testing.T, to string) {
			if err := os.RemoveAll(filepath.Join(to, "sakila")); err != nil {
				t.Fatal(err)
			}
			put(t, to, "sakila", []byte("x"))
		}, 1},
		"links": {func(t *testing.T, to string) {
			remove(t, to, "dir")
			link(t, to, "dir", "shop")
			remove(t, to, "zz")
			put(t, to, "zz", pages(100000))
		}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			to := t.TempDir()
			if _, err := archive.Restore(t.Context(), data, f, archive.RestoreOptions{To: to}); err != nil {
				t.Fatal(err)
			}
			test.change(t, to)
			src := &metered{Reader: data}
			s, err := archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to, Delta: true})
			if err != nil {
				t.Fatal(err)
			}
			wantTree(t, root, to)
			if s.Written != test.written || s.Resumed {
				t.Errorf("%d files were written, want %d: %+v", s.Written, test.written, s)
			}
			if test.written == 0 && src.read.Load() > 64<<10 {
				t.Errorf("%d bytes were fetched for nothing", src.read.Load())
			}
		})
	}
}

// What the backup left out on purpose stays: a keyring is worth more than all the rest.
func TestDeltaKeepsWhatWasLeftOut(t *testing.T) {
	root := dataDir(t)
	put(t, root, "keyring", []byte("the key"))
	put(t, root, "big.log", []byte("log"))
	f := newFrames(t, "zstd", frameSize, 3)
	data, _ := pack(t, f, archive.Options{Root: root, KeyringFiles: []string{"keyring"}, Exclude: []string{"*.log"}})
	to := t.TempDir()
	if _, err := archive.Restore(t.Context(), data, f, archive.RestoreOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"keyring", "big.log", "lost+found/x", "mysqld.pid"} {
		put(t, to, name, []byte("mine"))
	}
	put(t, to, "shop/extra.ibd", []byte("x"))
	s, err := archive.Restore(t.Context(), data, f, archive.RestoreOptions{To: to, Delta: true})
	if err != nil || s.Removed != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	for _, name := range []string{"keyring", "big.log", "lost+found/x", "mysqld.pid"} {
		if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(got) != "mine" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Only a part: nothing else is looked at or removed.
func TestDeltaOfAPart(t *testing.T) {
	root := dataDir(t)
	f := newFrames(t, "zstd", frameSize, 3)
	data, _ := pack(t, f, archive.Options{Root: root})
	to := t.TempDir()
	if _, err := archive.Restore(t.Context(), data, f, archive.RestoreOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"shop/orders.ibd", "shop/extra.ibd", "sakila/extra.ibd", "ibdata1"} {
		put(t, to, name, []byte("other"))
	}
	part := archive.RestoreOptions{To: to, Delta: true, Only: []string{"shop/**"}}
	if _, err := archive.Restore(t.Context(), data, f, part); err != nil {
		t.Fatal(err)
	}
	got := survey(t, to)
	if _, ok := got["shop/extra.ibd"]; ok || got["shop/orders.ibd"] != survey(t, root)["shop/orders.ibd"] {
		t.Error("the part is not as it should be")
	}
	for _, name := range []string{"sakila/extra.ibd", "ibdata1"} {
		if content, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(content) != "other" {
			t.Errorf("%s: %q, %v", name, content, err)
		}
	}
}

// A delta that fails before the first file moved leaves the directory as it was, and says so; one that was only
// interrupted goes on.
func TestDeltaThatFails(t *testing.T) {
	root := dataDir(t)
	f := newFrames(t, "zstd", frameSize, 3)
	data, _ := pack(t, f, archive.Options{Root: root})
	to := t.TempDir()
	if _, err := archive.Restore(t.Context(), data, f, archive.RestoreOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	put(t, to, "sakila/film.ibd", pages(77))
	put(t, to, "ibdata1", pages(77))
	put(t, to, "extra", pages(77))
	before := survey(t, to)
	check := func(t *testing.T, err error, want func(error) bool) {
		t.Helper()
		if !want(err) || !strings.Contains(err.Error(), "as it was") {
			t.Errorf("%v", err)
		}
		delete(before, ".")
		after := survey(t, to)
		delete(after, ".")
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("the directory has changed: %s", diff)
		}
	}
	corrupt := func(err error) bool { return errs.Is(err, errs.Corrupt) }
	_, err := archive.Restore(t.Context(), broken(t, data), f, archive.RestoreOptions{To: to, Delta: true})
	check(t, err, corrupt)
	busy := errs.New(errs.Exists, "process 1 works on it")
	for at := 1; at <= 2; at++ {
		calls := 0
		_, err = archive.Restore(t.Context(), data, f, archive.RestoreOptions{To: to, Delta: true, Idle: func() error {
			if calls++; calls == at {
				return busy
			}
			return nil
		}})
		check(t, err, func(err error) bool { return errors.Is(err, busy) })
	}
	src := &metered{Reader: data, limit: 100 << 10}
	if _, err = archive.Restore(t.Context(), src, f, archive.RestoreOptions{To: to, Delta: true}); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(to, ".drydock-incomplete")); err != nil {
		t.Error(err)
	}
	s, err := archive.Restore(t.Context(), data, f, archive.RestoreOptions{To: to, Delta: true})
	if err != nil || !s.Resumed {
		t.Fatalf("%+v, %v", s, err)
	}
	wantTree(t, root, to)
}

// A delta is for data directories: it would empty anything else.
func TestDeltaIntoSomethingElse(t *testing.T) {
	src := newForged().add(manifest.File{Path: "a"}, "x").build(t, nil)
	home := t.TempDir()
	put(t, home, "photos/1.jpg", []byte("x"))
	_, err := archive.Restore(t.Context(), src, nil, archive.RestoreOptions{To: home, Delta: true})
	if !errs.Is(err, errs.Invalid) || len(ls(t, home)) != 1 {
		t.Errorf("%v; %v", err, ls(t, home))
	}
	fresh := filepath.Join(home, "new")
	if _, err := archive.Restore(t.Context(), src, nil, archive.RestoreOptions{To: fresh, Delta: true}); err != nil {
		t.Errorf("into a new directory: %v", err)
	}
}
