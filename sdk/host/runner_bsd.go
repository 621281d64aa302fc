//go:build unix && !linux

package host

func killRest(pid int) { killGroup(pid) }
