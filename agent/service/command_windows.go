package service

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// detachedProcess is DETACHED_PROCESS of CreateProcess: the command has no console, so no console event reaches it.
const detachedProcess = 0x00000008

func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: detachedProcess | syscall.CREATE_NEW_PROCESS_GROUP}
}

func killGroup(p *os.Process) { _ = p.Kill() } // gone already is as good

func rootDir() string { return os.Getenv("SystemDrive") + `\` }

// Quote quotes a word for cmd.exe.
func Quote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\"&|<>^()") {
		return word
	}
	return `"` + strings.ReplaceAll(word, `"`, `""`) + `"`
}

func manualStart(command, log string) string { return `start "" /b ` + command + " >>" + log + " 2>&1" }

func manualLook(log string) string { return "more " + log }
