package shm

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// Create makes a region of size bytes without a name on disk.
func Create(size int) (*Region, error) {
	fd, err := unix.MemfdCreate("drydock-frames", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("create shared memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "drydock-frames")
	if err := f.Truncate(int64(size)); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("size shared memory to %d bytes: %w", size, err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("seal shared memory: %w", err)
	}
	return mapped(f, size, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd), false)
}

// reserve makes sure that the file's blocks exist, since a full disk would show as a bus error later.
func reserve(f *os.File, size int) error {
	if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(size)); err != nil {
		return f.Truncate(int64(size))
	}
	return nil
}
