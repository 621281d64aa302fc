//go:build unix && !linux && !darwin

package process

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

func exists(pid int) bool {
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

// What follows cannot be told on this system.

func start(int) string { return "" }

func arguments(int) []string { return nil }

func since(int) time.Time { return time.Time{} }
