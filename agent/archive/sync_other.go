//go:build !linux

package archive

import (
	"os"
	"runtime"
)

func syncFile(f *os.File) error { return f.Sync() }

func syncAll(dir *os.File) error { return syncDir(dir) }

func writeBack(*os.File, int64, int64) {}

func forget(*os.File, int64, int64) {}

// syncDir brings the names in dir to the disk; Windows has no such thing.
func syncDir(dir *os.File) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return dir.Sync()
}
