package testenv_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// A filled server survives a clean stop and start, and a copy of its files is the same database.
func TestServer(t *testing.T) {
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		began := time.Now()
		s := start()
		t.Logf("up after %s", time.Since(began))
		began = time.Now()
		s.Fill(t, testenv.FillOptions{BigMB: 8})
		t.Logf("filled after %s", time.Since(began))
		before := s.Checksums(t)
		if len(before) != 9 {
			t.Errorf("tables: %v", before)
		}
		if n := len(s.Processes()); n != 1 {
			t.Errorf("processes: %d, want 1", n)
		}
		began = time.Now()
		s.Stop(t)
		t.Logf("down after %s", time.Since(began))
		if s.Running() || s.PID() != 0 {
			t.Error("still running")
		}
		dir := filepath.Join(t.TempDir(), "restored")
		copyTree(t, s.DataDir, dir)
		second := s.OnDataDir(t, dir)
		second.Start(t)
		s.Start(t)
		if diff := cmp.Diff(before, s.Checksums(t)); diff != "" {
			t.Error("after a restart:", diff)
		}
		if diff := cmp.Diff(before, second.Checksums(t)); diff != "" {
			t.Error("on the copy:", diff)
		}
		s.Kill(t)
	})
}

// copyTree copies files, modes and owners.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		dst := filepath.Join(to, rel)
		if d.IsDir() {
			err = os.Mkdir(dst, 0o750)
		} else {
			var b []byte
			if b, err = os.ReadFile(path); err == nil {
				err = os.WriteFile(dst, b, 0o640)
			}
		}
		if err != nil {
			return err
		}
		return testenv.Chown(dst)
	})
	if err != nil {
		t.Fatal(err)
	}
}
