package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// detach gives a command its own session, so that signals to the test's process group do not reach it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// Processes returns the ids of the server processes that work on the data directory: those started with this server's
// configuration, and any other server with a file of the data directory open.
func (s *Server) Processes() []int {
	dir, err := filepath.EvalSymlinks(s.DataDir)
	if err != nil {
		dir = s.DataDir
	}
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well formed
	var pids []int
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil || !isServer(string(b)) {
			continue
		}
		proc := filepath.Dir(name)
		if strings.Contains(string(b), s.ConfigFile+"\x00") || hasOpen(proc, dir) {
			if pid, err := strconv.Atoi(filepath.Base(proc)); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// isServer tells a server's command line from those of clients, shells and tests. The first shell line of a wrapper
// counts too: it turns into the server.
func isServer(cmdline string) bool {
	for arg := range strings.SplitSeq(cmdline, "\x00") {
		if base := filepath.Base(arg); base == "mysqld" || base == "mariadbd" {
			return true
		}
	}
	return false
}

// hasOpen reports whether a process has a file below dir open.
func hasOpen(proc, dir string) bool {
	fds, _ := filepath.Glob(proc + "/fd/*")
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil && strings.HasPrefix(target, dir+"/") {
			return true
		}
	}
	return false
}
