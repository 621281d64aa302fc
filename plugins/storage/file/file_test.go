package file_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/drydock-backup/drydock/plugins/storage/file"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/storagetest"
)

// open returns the storage for a directory, with default modes.
func open(t storagetest.T, dir string) *file.Storage {
	t.Helper()
	s, err := file.New(file.Config{Path: dir, Mode: "0600", DirMode: "0700"})
	if err != nil {
		t.Fatalf("open %s: %v", dir, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func subject() storagetest.Subject {
	return storagetest.Subject{
		Place:  func(t storagetest.T) string { return t.TempDir() },
		Open:   func(t storagetest.T, place string) storage.Storage { return open(t, place) },
		Tamper: func(t storagetest.T, place, key string) { flip(t, filepath.Join(place, filepath.FromSlash(key))) },
		TamperUpload: func(t storagetest.T, place, token string) {
			flip(t, filepath.Join(place, ".drydock-uploads", token, "data"))
		},
		Full:    fullHook(),
		Objects: 300,
	}
}

// flip changes a byte of a file.
func flip(t storagetest.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("tamper: %v", err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, 100); err != nil {
		t.Fatalf("tamper: %v", err)
	}
	if _, err := f.WriteAt([]byte{b[0] ^ 1}, 100); err != nil {
		t.Fatalf("tamper: %v", err)
	}
}

func TestMain(m *testing.M) { conformance.Main(m, func() { storage.Serve(file.Provider()) }) }

func TestConformance(t *testing.T) { storagetest.Run(t, subject()) }

func TestConformanceSpawned(t *testing.T) {
	s := storagetest.Spawned(
		func(t storagetest.T) conformance.Binary { return conformance.Self(t, "storage", "file") },
		func(place string) map[string]any { return map[string]any{"path": place} },
	)
	in := subject()
	s.Place, s.Tamper, s.TamperUpload, s.Full, s.Objects = in.Place, in.Tamper, in.TamperUpload, in.Full, in.Objects
	if missing := storagetest.Missing(s); len(missing) > 0 && runtime.GOOS == "linux" {
		t.Errorf("cases are left out: %v", missing)
	}
	storagetest.Run(t, s)
}
