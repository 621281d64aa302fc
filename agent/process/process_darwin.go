package process

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

func info(pid int) *unix.KinfoProc {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || int(p.Proc.P_pid) != pid {
		return nil
	}
	return p
}

func exists(pid int) bool {
	const zombie = 5 // SZOMB
	p := info(pid)
	return p != nil && p.Proc.P_stat != zombie
}

func start(pid int) string {
	p := info(pid)
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%d.%06d", p.Proc.P_starttime.Sec, p.Proc.P_starttime.Usec)
}

func arguments(int) []string { return nil }

func since(pid int) time.Time {
	p := info(pid)
	if p == nil {
		return time.Time{}
	}
	return time.Unix(p.Proc.P_starttime.Unix())
}
