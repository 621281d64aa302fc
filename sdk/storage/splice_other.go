//go:build !linux

package storage

import "os"

func movePages(*os.File, *os.File, int64, int64) (int64, error) { return 0, nil }
