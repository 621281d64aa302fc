package instance

import (
	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/agent/process"
)

// descends reports whether a process is an ancestor's, or the ancestor itself.
func descends(pid, ancestor int) bool {
	const most = 64 // generations; a bound, for processes come and go while we look
	for range most {
		if pid == ancestor {
			return true
		}
		if pid = process.Parent(pid); pid <= 1 {
			return false
		}
	}
	return false
}

// kill ends a server that waits for the data directory. It has changed nothing yet.
func kill(pid int) error { return unix.Kill(pid, unix.SIGKILL) }
