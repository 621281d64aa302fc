package state

import "golang.org/x/sys/windows"

// alive reports whether a process exists.
func alive(pid int) bool {
	const stillActive = 259 // STILL_ACTIVE
	if pid <= 0 {
		return false
	}
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return false
	}
	defer func() { _ = windows.CloseHandle(h) }()
	var code uint32
	return windows.GetExitCodeProcess(h, &code) == nil && code == stillActive
}

// syncDir does nothing: Windows keeps directory entries in a journal of its own.
func syncDir(string) error { return nil }
