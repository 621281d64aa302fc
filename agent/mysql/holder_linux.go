package mysql

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// writer returns a process that has one of the paths, or something below one, open for writing, and the file; 0 when
// there is none that this user may see.
func writer(paths ...string) (pid int, file string) {
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return 0, ""
	}
	for _, p := range procs {
		pid, err := strconv.Atoi(p.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if file := writes(filepath.Join("/proc", p.Name()), paths...); file != "" {
			return pid, file
		}
	}
	return 0, ""
}

// writes returns a file at or below one of the paths that the process has open for writing; "" when it has none.
func writes(proc string, paths ...string) (file string) {
	fds, err := os.ReadDir(proc + "/fd")
	if err != nil {
		return "" // gone, or another user's
	}
	for _, fd := range fds {
		target, err := os.Readlink(proc + "/fd/" + fd.Name())
		if err != nil || !slices.ContainsFunc(paths, func(p string) bool { return target == p || strings.HasPrefix(target, p+"/") }) {
			continue
		}
		if info, err := os.ReadFile(proc + "/fdinfo/" + fd.Name()); err == nil && openForWriting(info) {
			return target
		}
	}
	return ""
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
