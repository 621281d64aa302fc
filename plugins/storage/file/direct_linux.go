package file

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// directAlign is what addresses, offsets and lengths of unbuffered I/O are multiples of. Disks want 512 or 4096.
const directAlign = 4096

// readsFromDisk: pages in memory can be left out, or dropped, before what was written is read back.
const readsFromDisk = true

// openDirect opens a file without the page cache in between: what is written is not copied, and what is read comes
// from the disk. It returns nil where the file system cannot.
func openDirect(root *os.Root, name string) *os.File {
	f, err := root.OpenFile(name, os.O_RDWR|unix.O_DIRECT, 0)
	if err != nil {
		return nil
	}
	return f
}

// aligned returns n bytes at an address that unbuffered I/O takes.
func aligned(n int) []byte {
	b := make([]byte, n+directAlign)
	skip := -uintptr(unsafe.Pointer(&b[0])) % directAlign
	return b[skip:][:n:n]
}

// reserve gives a range of a file its room on the disk, so that writers do not wait for each other to extend the file, and
// reports whether it did. A file system that cannot does it when the bytes come.
func reserve(f *os.File, offset, length int64) (bool, error) {
	err := ignoringEINTR(func() error { return unix.Fallocate(int(f.Fd()), 0, offset, length) })
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG) {
		return false, &os.PathError{Op: "reserve", Path: f.Name(), Err: err}
	}
	return err == nil, nil
}
