package host

import (
	"errors"
	"os/exec"

	"golang.org/x/sys/unix"
)

// reapGroup waits for the end of the process, kills what is left of its group, and reaps it. In this order, because until
// a process is reaped nobody else can get its number.
func reapGroup(cmd *exec.Cmd) {
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	killGroup(cmd.Process.Pid)
	_ = cmd.Wait() // the state says it all
}
