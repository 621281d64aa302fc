package mysql

import (
	"os"
	"path/filepath"
	"strconv"
)

// Writers returns every process that has a file in a data directory open for writing, as far as this user may see: the
// server that holds it, and any other that waits for its locks and would take over when that one stops.
func Writers(dataDir string) []int {
	dir, err := filepath.EvalSymlinks(dataDir)
	if err != nil {
		return nil
	}
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var all []int
	for _, p := range procs {
		if pid, err := strconv.Atoi(p.Name()); err == nil && writes(filepath.Join("/proc", p.Name()), dir) != "" {
			all = append(all, pid)
		}
	}
	return all
}
