package file

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/drydock-backup/drydock/sdk/storage"
)

// dirSync: NTFS keeps names in its journal; a directory cannot be flushed.
const dirSync = false

func full() []error {
	return []error{syscall.ENOSPC, syscall.EDQUOT, windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL,
		windows.ERROR_DISK_QUOTA_EXCEEDED}
}

func rename(root *os.Root, from, to string) error { return renameChecked(root, from, to) }

func capacity(root *os.Root) (storage.Capacity, error) {
	name, err := windows.UTF16PtrFromString(root.Name())
	if err != nil {
		return storage.Capacity{}, err
	}
	var free, total, all uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, &total, &all); err != nil {
		return storage.Capacity{}, &fs.PathError{Op: "free space", Path: root.Name(), Err: err}
	}
	return storage.Capacity{Free: int64(free), Total: int64(total)}, nil
}
