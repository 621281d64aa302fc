package instance

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// descends reports whether a process is an ancestor's, or the ancestor itself.
func descends(pid, ancestor int) bool {
	const most = 64 // generations; a bound, for processes come and go while we look
	for range most {
		if pid == ancestor {
			return true
		}
		if pid = parent(pid); pid <= 1 {
			return false
		}
	}
	return false
}

// parent returns the parent of a process; 0 when it is gone. See proc(5): PID (name) state parent ...
func parent(pid int) int {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	ppid, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return 0
	}
	return ppid
}

// kill ends a server that waits for the data directory. It has changed nothing yet.
func kill(pid int) error { return unix.Kill(pid, unix.SIGKILL) }
