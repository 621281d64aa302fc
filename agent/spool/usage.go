package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Usage is what lies in the spools below a directory.
type Usage struct {
	Artifacts int   // spools that hold at least one chunk
	Bytes     int64 // of their chunks
}

// Used measures the spools below a directory but the one of the given name: what other runs have left there, or work
// with. A directory that does not exist is empty; what vanishes meanwhile does not count.
func Used(parent, except string) (Usage, error) {
	entries, err := os.ReadDir(parent)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Usage{}, fmt.Errorf("measure spool: %w", err)
	}
	var u Usage
	for _, e := range entries {
		if !e.IsDir() || e.Name() == except {
			continue
		}
		n, err := Size(filepath.Join(parent, e.Name()))
		if err != nil {
			return Usage{}, err
		}
		if n > 0 {
			u.Artifacts++
			u.Bytes += n
		}
	}
	return u, nil
}

// Size returns the bytes of the chunks in one spool, complete or not; 0 when it is gone.
func Size(dir string) (int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("measure spool: %w", err)
	}
	var sum int64
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), chunkSuffix) && !strings.HasSuffix(e.Name(), partSuffix) {
			continue
		}
		if info, err := e.Info(); err == nil {
			sum += info.Size()
		}
	}
	return sum, nil
}
