package store_test

import (
	"os"
	"path/filepath"
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
	server := startSSHD(t)
	s := storagetest.Spawned(
		func(t storagetest.T) conformance.Binary { return conformance.Self(t, "storage", "sftp") },
		server.config,
	)
	s.Place = func(t storagetest.T) string { return t.TempDir() }
	s.Tamper = func(t storagetest.T, place, key string) { flip(t, filepath.Join(place, filepath.FromSlash(key))) }
	s.TamperUpload = func(t storagetest.T, place, token string) {
		flip(t, filepath.Join(place, ".drydock-uploads", token, "data"))
	}
	s.Full = smallDisk
	s.Objects = 300
	if missing := storagetest.Missing(s); len(missing) > 0 {
		t.Errorf("cases are left out: %v", missing)
	}
	storagetest.Run(t, s)
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
