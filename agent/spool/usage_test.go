package spool_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/drydock-backup/drydock/agent/spool"
)

// What waits is counted by its chunks, finished or not; nothing else counts, and a spool that goes is no error.
func TestUsed(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{
		"run-1/00000000.chunk": 100, "run-1/00000001.part": 20, "run-1/drydock-spool": 7, "run-2/00000005.chunk": 3,
		"run-3/drydock-spool": 9, "own/00000000.chunk": 1000, "file": 50,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if u, err := spool.Used(dir, "own"); err != nil || u != (spool.Usage{Artifacts: 2, Bytes: 123}) {
		t.Errorf("%+v, %v", u, err)
	}
	if u, err := spool.Used(filepath.Join(dir, "none"), ""); err != nil || u != (spool.Usage{}) {
		t.Errorf("%+v, %v", u, err)
	}
	if n, err := spool.Size(filepath.Join(dir, "none")); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := spool.Used(filepath.Join(dir, "file"), ""); err == nil {
		t.Error("a file was taken for a directory of spools")
	}
}
