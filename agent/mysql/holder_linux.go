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

// process is known by its id and the time of its start, in clock ticks since the system's.
type process struct {
	pid   int
	start uint64
}

// identify looks a process up; the zero process is none.
func identify(pid int) process {
	if pid <= 0 {
		return process{}
	}
	state, start, ok := procStat(pid)
	if !ok || state == 'Z' {
		return process{}
	}
	return process{pid: pid, start: start}
}

func (p process) alive() bool { return p.pid > 0 && identify(p.pid) == p }

func procStat(pid int) (state byte, start uint64, ok bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, false
	}
	return parseStat(string(b))
}

// parseStat takes the state (field 3) and the start time (field 22) out of /proc/PID/stat, see proc(5). The name in
// field 2 may hold spaces and parentheses.
func parseStat(text string) (state byte, start uint64, ok bool) {
	const stateField, startField = 0, 19 // counted from behind the name
	end := strings.LastIndexByte(text, ')')
	if end < 0 {
		return 0, 0, false
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) <= startField {
		return 0, 0, false
	}
	start, err := strconv.ParseUint(fields[startField], 10, 64)
	return fields[stateField][0], start, err == nil
}
