package service

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// passes reports whether a command inherits a variable.
func passes(name string) bool {
	switch name = strings.ToUpper(name); name {
	case "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LD_PRELOAD",
		"MYSQL_HOME", "MYSQLD_OPTS", "SYSTEMROOT", "TEMP", "TMP":
		return true
	}
	return strings.HasPrefix(name, "LC_")
}

// defaultPath is the search path of a command when the agent has none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Detach prepares a command that is meant to outlive the agent: in a session of its own, so that no signal to the agent's
// group or terminal reaches it, in a directory that keeps no file system busy, and with no more of the environment than a
// server may see.
func Detach(cmd *exec.Cmd) {
	cmd.Dir, cmd.Env = rootDir(), environment(os.Environ())
	detach(cmd)
}

// environment keeps of an environment what a server may see.
func environment(all []string) []string {
	kept, path := []string{}, runtime.GOOS == "windows"
	for _, entry := range all {
		name, _, _ := strings.Cut(entry, "=")
		if passes(name) {
			kept = append(kept, entry)
			path = path || name == "PATH"
		}
	}
	if !path {
		kept = append(kept, "PATH="+defaultPath)
	}
	return kept
}
