package process

import (
	"strconv"
	"time"

	"golang.org/x/sys/windows"
)

// query calls f with a handle of the process; it does nothing when there is no such process.
func query(pid int, f func(h windows.Handle)) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return
	}
	defer func() { _ = windows.CloseHandle(h) }()
	f(h)
}

func exists(pid int) (yes bool) {
	const stillActive = 259 // STILL_ACTIVE
	query(pid, func(h windows.Handle) {
		var code uint32
		yes = windows.GetExitCodeProcess(h, &code) == nil && code == stillActive
	})
	return yes
}

func since(pid int) (at time.Time) {
	query(pid, func(h windows.Handle) {
		var created, exited, kernel, user windows.Filetime
		if windows.GetProcessTimes(h, &created, &exited, &kernel, &user) == nil {
			at = time.Unix(0, created.Nanoseconds())
		}
	})
	return at
}

func start(pid int) string {
	at := since(pid)
	if at.IsZero() {
		return ""
	}
	return strconv.FormatInt(at.UnixNano(), 10)
}

func arguments(int) []string { return nil }
