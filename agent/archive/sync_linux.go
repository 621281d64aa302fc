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

func syncDir(dir *os.File) error { return dir.Sync() }
