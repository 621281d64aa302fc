package mysql

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// writer returns a process that has a file in dir open for writing; 0 when there is none that this user may see.
func writer(dir string) int {
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, p := range procs {
		pid, err := strconv.Atoi(p.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if writes(filepath.Join("/proc", p.Name()), dir) {
			return pid
		}
	}
	return 0
}

// writes reports whether the process has a file below dir open for writing.
func writes(proc, dir string) bool {
	fds, err := os.ReadDir(proc + "/fd")
	if err != nil {
		return false // gone, or another user's
	}
	for _, fd := range fds {
		target, err := os.Readlink(proc + "/fd/" + fd.Name())
		if err != nil || !strings.HasPrefix(target, dir+"/") {
			continue
		}
		if info, err := os.ReadFile(proc + "/fdinfo/" + fd.Name()); err == nil && openForWriting(info) {
			return true
		}
	}
	return false
}

// openForWriting reads the line "flags:	0100002", octal, of /proc/PID/fdinfo/FD.
func openForWriting(info []byte) bool {
	for line := range bytes.Lines(info) {
		value, ok := bytes.CutPrefix(line, []byte("flags:"))
		if !ok {
			continue
		}
		flags, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 8, 64)
		return err == nil && flags&unix.O_ACCMODE != unix.O_RDONLY && flags&unix.O_PATH == 0
	}
	return false
}
