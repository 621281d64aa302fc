//go:build unix

package mysql

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// lockOwner returns who holds a POSIX lock that is in the way of a lock on the whole file; 0 for nobody. Closing the
// file would drop locks of this process on it: there are none.
func lockOwner(name string) (int, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lock); err != nil {
		return 0, &os.PathError{Op: "ask for locks", Path: name, Err: err}
	}
	switch {
	case lock.Type == unix.F_UNLCK:
		return 0, nil
	case lock.Pid <= 0: // in another PID namespace, or a lock of an open file description
		return Unknown, nil
	}
	return int(lock.Pid), nil
}
