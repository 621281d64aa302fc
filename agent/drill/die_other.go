//go:build !linux

package drill

import "os/exec"

// startDying starts a process; ended is called when it was reaped. That it does not outlive this one is seen to by the next
// drill.
func startDying(cmd *exec.Cmd, ended func(error)) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { ended(cmd.Wait()) }() // ends with the process, which stop sees to
	return nil
}
