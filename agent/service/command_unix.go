//go:build unix

package service

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// detach gives a command a session of its own: no signal to the agent's group or terminal reaches it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// killGroup kills a detached command with all that it started in its session's first process group.
func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // gone already is as good

// rootDir keeps no file system busy.
func rootDir() string { return "/" }

// Quote quotes a word for a POSIX shell where that is needed.
func Quote(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// manualStart starts a command so that it outlives the person's terminal.
func manualStart(command, log string) string {
	return "setsid " + command + " </dev/null >>" + log + " 2>&1 &"
}

func manualLook(log string) string { return "tail -n 50 " + log }
