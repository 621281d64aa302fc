package storage

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// movePages moves up to n bytes of a file into a pipe, and returns how many. Without an error it is less when to is no pipe
// or the file system cannot.
func movePages(to, f *os.File, offset, n int64) (moved int64, err error) {
	pipe, err := to.SyscallConn()
	if err != nil {
		return 0, err
	}
	for moved < n {
		var k int64
		var failed error
		at := offset + moved
		err := pipe.Write(func(fd uintptr) (done bool) {
			k, failed = unix.Splice(int(f.Fd()), &at, int(fd), nil, int(min(n-moved, 1<<30)), unix.SPLICE_F_NONBLOCK)
			return !errors.Is(failed, unix.EAGAIN)
		})
		switch {
		case err != nil:
			return moved, err
		case errors.Is(failed, unix.EINTR):
		case moved == 0 && (errors.Is(failed, unix.EINVAL) || errors.Is(failed, unix.ENOSYS)):
			return 0, nil
		case failed != nil:
			return moved, &os.PathError{Op: "splice", Path: f.Name(), Err: failed}
		case k == 0:
			return moved, io.ErrUnexpectedEOF
		}
		moved += max(k, 0)
	}
	return moved, nil
}
