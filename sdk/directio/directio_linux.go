package directio

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// errRefused is what the kernel says of blocks that are not aligned to what the file system wants.
const errRefused = unix.EINVAL

func openDirect(root *os.Root, name string) *os.File {
	f, err := root.OpenFile(name, os.O_RDWR|unix.O_DIRECT, 0)
	if err != nil {
		return nil
	}
	return f
}

// readBlocks fills b. At the end of a file there is part of a block, after which no block begins.
func readBlocks(f *os.File, b []byte, off int64) (n int, err error) {
	for n < len(b) {
		var k int
		err := ignoringEINTR(func() (err error) {
			k, err = unix.Pread(int(f.Fd()), b[n:], off+int64(n))
			return err
		})
		n += max(k, 0)
		switch {
		case err != nil:
			return n, &os.PathError{Op: "read", Path: f.Name(), Err: err}
		case k == 0 || k%Align != 0:
			return n, io.EOF
		}
	}
	return n, nil
}

// Reserve gives a range of a file its room on the disk, so that writers do not wait for each other to extend it, and
// reports whether it did. A file system that cannot does it when the bytes come. A full disk is an error.
func Reserve(f *os.File, off, length int64) (bool, error) {
	err := ignoringEINTR(func() error { return unix.Fallocate(int(f.Fd()), 0, off, length) })
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG) {
		return false, &os.PathError{Op: "reserve", Path: f.Name(), Err: err}
	}
	return err == nil, nil
}

func ignoringEINTR(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
