package spool

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
)

// isDiskFull tells a full disk or a used-up quota from other write errors.
func isDiskFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) ||
		errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}

// FreeSpace returns the bytes that this process may still write to dir's volume.
func FreeSpace(dir string) (int64, error) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, fmt.Errorf("free space of %q: %w", dir, err)
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, nil, nil); err != nil {
		return 0, fmt.Errorf("free space of %q: %w", dir, err)
	}
	return int64(free), nil
}
