//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package plugin

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"golang.org/x/sys/unix"
)

// lockDir locks a directory for this process: the kernel lets go of the lock when the process ends, in whatever way.
func lockDir(path string) (*os.File, error) {
	d, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	have, err := d.Stat()
	if err == nil {
		var now fs.FileInfo
		if now, err = os.Lstat(path); err == nil && !os.SameFile(have, now) {
			err = errors.New(path + " was replaced")
		}
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// sweep removes what hosts and providers that were both killed have left behind: directories with our name and our owner
// that nobody else can use, that no living process has locked, and that hold nothing but what a host makes. Whatever goes
// wrong, the directory stays for another time.
func sweep(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	name := regexp.MustCompile("^" + dirPrefix + "[0-9]+$")
	for _, e := range entries {
		path := filepath.Join(parent, e.Name())
		if !name.MatchString(e.Name()) || !ours(path) {
			continue
		}
		if lock, err := lockDir(path); err == nil {
			sweepDir(path)
			_ = lock.Close()
		}
	}
}

// ours reports whether path is a directory of our own user that nobody else can use.
func ours(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(stat.Uid) == int64(os.Geteuid())
}

// sweepDir removes sockets, pipes and copied executables, and the directories that are empty then.
func sweepDir(path string) {
	dirs, err := filepath.Glob(filepath.Join(path, "plugin-dir*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		if !ours(dir) {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if e.Type()&(fs.ModeSocket|fs.ModeNamedPipe) != 0 || (e.Type().IsRegular() && e.Name() == "provider") {
				_ = os.Remove(filepath.Join(dir, e.Name()))
			}
		}
		_ = os.Remove(dir)
	}
	_ = os.Remove(path)
}
