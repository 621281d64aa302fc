package archive

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// syncFile does nothing: syncAll brings all files to the disk at once, which is much faster.
func syncFile(*os.File) error { return nil }

// syncAll brings everything on the file system of dir to the disk.
func syncAll(dir *os.File) error {
	if err := unix.Syncfs(int(dir.Fd())); err != nil {
		return fmt.Errorf("sync %q: %w", dir.Name(), err)
	}
	return nil
}

// writeBack has the system begin to write a part of a file to the disk, so that little is left to do for syncAll.
func writeBack(f *os.File, off, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE) // a hint
}

// forget has the system forget what it holds of a part of a file in memory, so that the next read is one of the disk. What
// was not written yet stays.
func forget(f *os.File, off, n int64) {
	if n > 0 { // 0 would stand for all of it
		_ = unix.Fadvise(int(f.Fd()), off, n, unix.FADV_DONTNEED)
	}
}

func syncDir(dir *os.File) error { return dir.Sync() }
