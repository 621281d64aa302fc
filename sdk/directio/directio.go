package directio

import (
	"errors"
	"os"
	"sync/atomic"
	"unsafe"
)

// Align is what addresses, offsets and lengths of blocks are multiples of, in bytes. Disks want 512 or 4096.
const Align = 4096

// File is a file that is open a second time without the page cache, where that is possible. It is safe for concurrent use.
type File struct {
	*os.File
	direct  *os.File    // nil: all goes through the page cache
	refuses atomic.Bool // blocks of this size, after all
}

// New returns a file that goes through the page cache. It takes f over.
func New(f *os.File) *File { return &File{File: f} }

// Bypass opens the file a second time, by its name in root, if the file system can do without the page cache. It must come
// before the file is used.
func (f *File) Bypass(root *os.Root, name string) { f.direct = openDirect(root, name) }

// Bypasses reports whether whole blocks go past the page cache. It may become false when the first of them is refused.
func (f *File) Bypasses() bool { return f.direct != nil && !f.refuses.Load() }

// WriteAt writes the whole blocks in b without the page cache and the rest through it.
func (f *File) WriteAt(b []byte, off int64) (int, error) {
	return f.split(b, off, (*os.File).WriteAt, (*os.File).WriteAt)
}

// ReadAt reads the whole blocks in b from the disk and the rest through the page cache.
func (f *File) ReadAt(b []byte, off int64) (int, error) {
	return f.split(b, off, readBlocks, (*os.File).ReadAt)
}

// split moves whole blocks with one function and the rest with the other; everything with the other where blocks are refused.
func (f *File) split(b []byte, off int64, blocks, rest func(*os.File, []byte, int64) (int, error)) (int, error) {
	whole := len(b) / Align * Align
	if whole == 0 || !f.bypasses(b, off) {
		return rest(f.File, b, off)
	}
	n, err := blocks(f.direct, b[:whole], off)
	if n == 0 && f.refused(err) {
		return rest(f.File, b, off)
	}
	if err != nil || whole == len(b) {
		return n, err
	}
	more, err := rest(f.File, b[whole:], off+int64(whole))
	return n + more, err
}

func (f *File) bypasses(b []byte, off int64) bool {
	return f.Bypasses() && off%Align == 0 && uintptr(unsafe.Pointer(unsafe.SliceData(b)))%Align == 0
}

// refused notes that the file system wants larger blocks.
func (f *File) refused(err error) bool {
	if !errors.Is(err, errRefused) {
		return false
	}
	f.refuses.Store(true)
	return true
}

// Close closes the file.
func (f *File) Close() error {
	err := f.File.Close()
	if f.direct != nil {
		err = errors.Join(err, f.direct.Close())
	}
	return err
}
