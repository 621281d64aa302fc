//go:build unix

package storage

import "syscall"

// openFlags: a named pipe whose reader has gone away must fail at once, not wait for another reader.
const openFlags = syscall.O_NONBLOCK
