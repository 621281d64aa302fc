//go:build unix

package shm

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// CreateFile makes a region of size bytes in a file of mode 0600 in dir.
func CreateFile(dir string, size int) (*Region, error) {
	f, err := os.CreateTemp(dir, "frames")
	if err != nil {
		return nil, fmt.Errorf("create shared memory: %w", err)
	}
	if err := reserve(f, size); err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return nil, fmt.Errorf("size shared memory to %d bytes: %w", size, err)
	}
	return mapped(f, size, f.Name(), true)
}

// Open maps a region of size bytes that another process has made.
func Open(path string, size int) (*Region, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open shared memory: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Size() != int64(size) {
		err = fmt.Errorf("it has %d bytes, not %d", info.Size(), size)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("open shared memory: %w", err)
	}
	return mapped(f, size, path, false)
}

// mapped takes ownership of f.
func mapped(f *os.File, size int, path string, named bool) (*Region, error) {
	bytes, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		_ = f.Close()
		if named {
			_ = os.Remove(path)
		}
		return nil, fmt.Errorf("map shared memory: %w", err)
	}
	return &Region{bytes: bytes, file: f, path: path, named: named}, nil
}

func (r *Region) unmap() error {
	if r.bytes == nil {
		return nil
	}
	err := unix.Munmap(r.bytes)
	r.bytes = nil
	return err
}
