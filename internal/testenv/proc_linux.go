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
// configuration, and any other server whose working directory it is. Both products go there before they open a file.
func (s *Server) Processes() []int {
	dir, err := filepath.EvalSymlinks(s.DataDir)
	if err != nil {
		dir = s.DataDir
	}
	entries, _ := os.ReadDir("/proc") // it is there
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		proc := filepath.Join("/proc", e.Name())
		b, err := os.ReadFile(filepath.Join(proc, "cmdline"))
		if err != nil || !isServer(string(b)) {
			continue
		}
		if at, _ := os.Readlink(filepath.Join(proc, "cwd")); at == dir || strings.Contains(string(b), s.ConfigFile+"\x00") {
			pids = append(pids, pid)
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
