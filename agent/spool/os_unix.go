//go:build unix

package spool

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// isDiskFull tells a full disk or a used-up quota from other write errors.
func isDiskFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// FreeSpace returns the bytes that an unprivileged process may still write to dir's file system.
func FreeSpace(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("free space of %q: %w", dir, err)
	}
	return product(st.Bavail, st.Bsize), nil
}

// product multiplies what statfs tells, whose types differ from system to system.
func product[B, S int32 | int64 | uint32 | uint64](blocks B, size S) int64 {
	return int64(blocks) * int64(size)
}
