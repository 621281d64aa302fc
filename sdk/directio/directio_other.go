//go:build !linux

package directio

import (
	"errors"
	"os"
)

var errRefused = errors.ErrUnsupported

func openDirect(*os.Root, string) *os.File { return nil }

func readBlocks(f *os.File, b []byte, off int64) (int, error) { return f.ReadAt(b, off) }

// Reserve does nothing here: the file system gives a file its room when the bytes come.
func Reserve(*os.File, int64, int64) (bool, error) { return false, nil }
