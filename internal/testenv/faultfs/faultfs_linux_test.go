package faultfs_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/internal/testenv/faultfs"
)

// at replays all that was done to a disk, and cuts the power at the end.
func at(d *faultfs.Disk, k faultfs.Keep) map[string]string {
	r := faultfs.NewReplay()
	for _, o := range d.Journal.Ops() {
		r.Do(o)
	}
	found := map[string]string{}
	for name, data := range r.Cut(k) {
		found[name] = string(data)
	}
	return found
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Bytes survive by the fsync of their file, names by that of their directory.
func TestCut(t *testing.T) {
	dir := t.TempDir()
	d := faultfs.Mount(t, dir)
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "sub", "b")
	check(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700), os.WriteFile(a, []byte("one"), 0o600))
	if got := at(d, faultfs.Strict()); len(got) != 0 {
		t.Errorf("nothing was synced, and there is %v", got)
	}
	check(t, syncPath(a))
	if got := at(d, faultfs.Strict()); len(got) != 0 {
		t.Errorf("no name was synced, and there is %v", got)
	}
	check(t, syncPath(dir), os.WriteFile(b, []byte("two"), 0o600), os.WriteFile(a, []byte("longer"), 0o600))
	if d := cmp.Diff(map[string]string{"a": "one", "sub": ""}, at(d, faultfs.Strict())); d != "" {
		t.Error(d)
	}
	check(t, syncPath(b), syncPath(filepath.Dir(b)), os.Rename(b, a), syncPath(dir), syncPath(filepath.Dir(b)))
	if d := cmp.Diff(map[string]string{"a": "two", "sub": ""}, at(d, faultfs.Strict())); d != "" {
		t.Error(d)
	}
	check(t, os.WriteFile(b, []byte("three"), 0o600), os.Remove(a), os.Link(b, a))
	all := map[string]string{"a": "three", "sub": "", "sub/b": "three"}
	if d := cmp.Diff(all, at(d, faultfs.Everything())); d != "" {
		t.Error(d)
	}
	some := false
	for seed := range uint64(50) {
		got := at(d, faultfs.Loose(rand.New(rand.NewPCG(seed, 0))))
		some = some || len(got) == 2
		if _, there := got["sub"]; !there {
			t.Errorf("a synced name is gone: %v", got)
		}
	}
	if !some {
		t.Error("no cut left a part of what was not synced")
	}
}

// A state that is made real has the links that the disk had.
func TestStateKeepsLinks(t *testing.T) {
	dir, again := t.TempDir(), t.TempDir()
	d := faultfs.Mount(t, dir)
	check(t, os.WriteFile(filepath.Join(dir, "a"), []byte("one"), 0o600), os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "b")),
		os.WriteFile(filepath.Join(dir, "c"), []byte("one"), 0o600))
	r := faultfs.NewReplay()
	for _, o := range d.Journal.Ops() {
		r.Do(o)
	}
	check(t, r.Cut(faultfs.Everything()).Write(again, ""))
	a, errA := os.Stat(filepath.Join(again, "a"))
	b, errB := os.Stat(filepath.Join(again, "b"))
	c, errC := os.Stat(filepath.Join(again, "c"))
	if check(t, errA, errB, errC); !os.SameFile(a, b) || os.SameFile(a, c) {
		t.Error("a and b were one file, c another")
	}
}

// What programs do with the files of the agent works: maps, locks, unbuffered writes.
func TestRealFile(t *testing.T) {
	dir := t.TempDir()
	faultfs.Mount(t, dir)
	f, err := os.OpenFile(filepath.Join(dir, "f"), os.O_CREATE|os.O_RDWR, 0o600)
	check(t, err)
	defer f.Close()
	check(t, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB), f.Truncate(8192))
	m, err := unix.Mmap(int(f.Fd()), 0, 8192, unix.PROT_READ, unix.MAP_SHARED)
	check(t, err)
	_, err = f.WriteAt([]byte("seen"), 4096)
	if check(t, err); string(m[4096:4100]) != "seen" {
		t.Errorf("the map has %q", m[4096:4100])
	}
	check(t, unix.Munmap(m))
}

// A rule makes an operation fail, and nothing else.
func TestInject(t *testing.T) {
	dir := t.TempDir()
	d := faultfs.Mount(t, dir)
	name := filepath.Join(dir, "f")
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EACCES} {
		d.Inject(func(kind faultfs.Kind, path string) syscall.Errno {
			if kind == faultfs.Write && path == "f" {
				return errno
			}
			return 0
		})
		if err := os.WriteFile(name, []byte("x"), 0o600); !errors.Is(err, errno) {
			t.Errorf("%v instead of %v", err, errno)
		}
		d.Inject(nil)
		check(t, os.WriteFile(name, []byte("x"), 0o600))
	}
}
