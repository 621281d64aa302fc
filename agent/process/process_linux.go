package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// stat is what /proc/PID/stat tells, see proc(5).
type stat struct {
	state  byte
	parent int
	start  uint64 // clock ticks since the boot
}

func readStat(pid int) (stat, bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, false
	}
	return parseStat(string(b))
}

// parseStat takes the state (field 3), the parent (4) and the start time (22) out of the line. The name in field 2 may
// hold spaces and parentheses.
func parseStat(text string) (stat, bool) {
	const stateField, parentField, startField = 0, 1, 19 // counted from behind the name
	end := strings.LastIndexByte(text, ')')
	if end < 0 {
		return stat{}, false
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) <= startField {
		return stat{}, false
	}
	start, err := strconv.ParseUint(fields[startField], 10, 64)
	parent, bad := strconv.Atoi(fields[parentField])
	return stat{state: fields[stateField][0], parent: parent, start: start}, err == nil && bad == nil
}

func exists(pid int) bool {
	s, ok := readStat(pid)
	return ok && s.state != 'Z'
}

// start is the boot's id and the ticks since the boot: unique for a process id.
func start(pid int) string {
	s, ok := readStat(pid)
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || !ok {
		return ""
	}
	return fmt.Sprintf("%s/%d", strings.TrimSpace(string(boot)), s.start)
}

// Parent returns the parent of a process; 0 when it is gone.
func Parent(pid int) int {
	s, _ := readStat(pid)
	return s.parent
}

func arguments(pid int) []string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimRight(string(data), "\x00"), "\x00")
}

// since is when the process's directory in /proc was made, which is when it started or a little later.
func since(pid int) time.Time {
	info, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
