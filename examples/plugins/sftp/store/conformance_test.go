package store_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/storagetest"

	"example.com/drydock-storage-sftp/store"
)

// The test binary is the provider's process when the suite starts it as such.
func TestMain(m *testing.M) { conformance.Main(m, func() { storage.Serve(store.Provider()) }) }

// TestConformance runs the whole suite: each handle is a process of its own that talks to a real OpenSSH server.
func TestConformance(t *testing.T) {
	server := startSSHD(t, "")
	s := storagetest.Spawned(
		func(t storagetest.T) conformance.Binary { return conformance.Self(t, "storage", "sftp") },
		server.config,
	)
	s.Place = place
	s.Tamper = func(t storagetest.T, place, key string) { flip(t, filepath.Join(place, filepath.FromSlash(key))) }
	s.TamperUpload = func(t storagetest.T, place, token string) {
		flip(t, filepath.Join(place, ".drydock-uploads", token, "data"))
	}
	s.Full = fullHook()
	s.Objects = 300
	if missing := storagetest.Missing(s); len(missing) > 0 && runtime.GOOS == "linux" {
		t.Errorf("cases are left out: %v", missing)
	}
	storagetest.Run(t, s)
}

// place makes a directory for one case, in memory where the system has a place for that: the suite flushes some thousand
// times, and it is not the disk that is under test.
func place(t storagetest.T) string {
	t.Helper()
	const memory = "/dev/shm"
	if _, err := os.Stat(memory); err != nil {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "drydock-sftp-")
	if err != nil {
		t.Fatalf("make a place: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the place: %v", err)
		}
	})
	return dir
}

// TestPlainServer: without OpenSSH's extensions objects are published by a rename, and still none is replaced.
func TestPlainServer(t *testing.T) {
	server := startSSHD(t, "-P fsync,hardlink,statvfs")
	cases := storagetest.Cases(storagetest.Subject{
		Place: place,
		Open:  func(t storagetest.T, place string) storage.Storage { return open(t, server.settings(place)) },
	})
	run := 0
	for _, c := range cases {
		switch c.Name {
		case "many-chunks", "no-overwrite", "commit-race", "second-commit", "check", "abort", "list-order":
			run++
			t.Run(c.Name, func(t *testing.T) { c.Run(t) })
		}
	}
	if run != 7 {
		t.Errorf("%d cases were run", run)
	}
}

// flip changes a byte of a file.
func flip(t storagetest.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("tamper: %v", err)
	}
	data[100] ^= 1
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatalf("tamper: %v", err)
	}
}
