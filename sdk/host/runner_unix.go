//go:build unix

package host

import (
	"os"
	"os/exec"
	"syscall"
)

// inheritsFiles: a child gets exec.Cmd's ExtraFiles.
const inheritsFiles = true

// isolate makes the process the leader of a new group, so that a Ctrl-C at the terminal does not reach it and so that
// its children can be ended along with it.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

func terminateGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGTERM) }

// private reports whether only the owner can use a directory of this mode.
func private(mode os.FileMode) bool { return mode.Perm()&0o077 == 0 }
