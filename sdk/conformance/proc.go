package conformance

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// Memory is what a process has in memory, in bytes. All are 0 where the system does not tell (only Linux does).
type Memory struct {
	Resident     int64 // everything
	Proportional int64 // pages that several processes share count in parts
	Private      int64 // pages that no other process has: what goes away with the process
}

// MemoryOf returns the memory of a process.
func MemoryOf(pid int) Memory {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return Memory{Resident: Resident(pid)}
	}
	return Memory{
		Resident: kibibytes(text, "Rss"), Proportional: kibibytes(text, "Pss"),
		Private: kibibytes(text, "Private_Clean") + kibibytes(text, "Private_Dirty"),
	}
}

// Resident returns the resident memory of a process in bytes; 0 where the system does not tell (only Linux does).
func Resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return kibibytes(text, "VmRSS")
}

// kibibytes finds a line such as "VmRSS:  1234 kB" and returns its bytes, or 0.
func kibibytes(text []byte, name string) int64 {
	_, rest, found := bytes.Cut(text, []byte("\n"+name+":"))
	fields := bytes.Fields(rest)
	if !found || len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// group returns the live processes of a process group: the provider, which leads it, and its children. Where the system
// does not list processes it is the provider alone.
func group(leader int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		if alive(leader) {
			return []int{leader}
		}
		return nil
	}
	var pids []int
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // ended meanwhile
		}
		end := bytes.LastIndexByte(text, ')') // the program's name may hold anything
		fields := strings.Fields(string(text[end+1:]))
		if len(fields) > 2 && fields[2] == strconv.Itoa(leader) && fields[0] != "Z" {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			if err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// alive is for systems that do not list processes.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil || runtime.GOOS == "windows" {
		return err == nil
	}
	return p.Signal(syscall.Signal(0)) == nil
}

// shown is what any user of the host can read about a process, and what its children inherit.
func shown(pid int) map[string]string {
	texts := map[string]string{}
	for name, file := range map[string]string{"the arguments": "cmdline", "the environment": "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		if err == nil {
			texts[fmt.Sprintf("%s of process %d", name, pid)] = strings.ReplaceAll(string(text), "\x00", " ")
		}
	}
	return texts
}
