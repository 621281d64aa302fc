//go:build unix

package serve

import (
	"os"
	"syscall"
)

// closeOnExec keeps children of the provider from inheriting fd.
func closeOnExec(fd int) { syscall.CloseOnExec(fd) }

// endGroup kills the process group that the host gave us, and ourselves with it, so that no child of a provider stays.
func endGroup() {
	if syscall.Getpgrp() == os.Getpid() {
		_ = syscall.Kill(0, syscall.SIGKILL)
	}
}
