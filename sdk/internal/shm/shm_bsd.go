//go:build unix && !linux

package shm

import (
	"errors"
	"os"
)

// Create is not available: there is no memfd.
func Create(int) (*Region, error) { return nil, errors.ErrUnsupported }

func reserve(f *os.File, size int) error { return f.Truncate(int64(size)) }
