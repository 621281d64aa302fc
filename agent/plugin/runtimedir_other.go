//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package plugin

import "os"

// lockDir does nothing: directories cannot be locked here.
func lockDir(string) (*os.File, error) { return nil, nil }

// sweep does nothing: without locks nobody can tell which directories are still in use.
func sweep(string) {}
