//go:build unix && !linux

package mysql

// writer cannot tell on this system: the locks alone have to do.
func writer(...string) (int, string) { return 0, "" }
