package archive

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// nextData returns where the next data at or after off begins: size when only a hole follows, off when the file system
// cannot tell.
func nextData(f *os.File, off, size int64) int64 {
	next, err := f.Seek(off, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		return size
	case err != nil:
		return off
	}
	return min(next, size)
}

// advise tells the system that the file is read once from front to back.
func advise(f *os.File) { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_SEQUENTIAL) }
