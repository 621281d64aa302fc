//go:build !linux

package host

import "os/exec"

// reapGroup waits for the end of the process and kills what is left of its group.
func reapGroup(cmd *exec.Cmd) {
	_ = cmd.Wait() // the state says it all
	killRest(cmd.Process.Pid)
}
