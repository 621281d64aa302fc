package drill

import (
	"os/exec"
	"runtime"
	"syscall"
)

// startDying starts a process that the kernel kills when this one dies, in whatever way. The kernel watches the thread that
// has started it, so that thread stays until the process was reaped; then ended is called.
func startDying(cmd *exec.Cmd, ended func(error)) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig, cmd.SysProcAttr.Setpgid = syscall.SIGKILL, true
	started := make(chan error, 1)
	go func() { // ends with the process, which stop sees to
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended(cmd.Wait())
		}
	}()
	return <-started
}
