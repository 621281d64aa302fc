//go:build unix

package tree

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
)

// Lstat looks at a path without following a link at its end. Errors name operation and path.
func Lstat(path string) (Stat, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Lstat(path, &st) }); err != nil {
		return Stat{}, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	return convert(&st), nil
}

// Fstat looks at an open file.
func Fstat(f *os.File) (Stat, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(int(f.Fd()), &st) }); err != nil {
		return Stat{}, &os.PathError{Op: "fstat", Path: f.Name(), Err: err}
	}
	return convert(&st), nil
}

// Open opens a file for reading, and never a link or a pipe that took its place.
func Open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
}

// readable asks the system whether this process may read the file, without opening it.
func readable(path string) error {
	err := retry(func() error { return unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS) })
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	return nil
}

func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func convert(st *unix.Stat_t) Stat {
	var mtime, ctime manifest.Time
	mtime[0], mtime[1] = st.Mtim.Unix()
	ctime[0], ctime[1] = st.Ctim.Unix()
	return Stat{
		Mode: uint32(number(st.Mode)), Size: st.Size, Allocated: st.Blocks * 512, UID: st.Uid, GID: st.Gid,
		MTime: mtime, CTime: ctime, Dev: number(st.Dev), Ino: st.Ino, Links: number(st.Nlink),
	}
}

// number hides that systems do not agree on the width of these fields.
func number[T uint16 | uint32 | uint64 | int32](v T) uint64 { return uint64(v) }
