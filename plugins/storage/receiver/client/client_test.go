package client_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/client"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/storagetest"
)

func TestMain(m *testing.M) { conformance.Main(m, func() { storage.Serve(client.Provider()) }) }

// The provider in a process of its own against a real receiver: each place is a client of its own (R1.2, R1.4, R1.5).
func TestConformance(t *testing.T) {
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{})
	var n atomic.Int64
	enroll := func(storagetest.T) string {
		name := fmt.Sprintf("place-%d", n.Add(1))
		r.Enroll(t, name)
		return name
	}
	s := storagetest.Spawned(
		func(t storagetest.T) conformance.Binary { return conformance.Self(t, "storage", "receiver") },
		func(place string) map[string]any { return r.Target(filepath.Join(r.Dir, "bundle-"+place)) },
	)
	s.Place = enroll
	s.Tamper = func(t storagetest.T, place, key string) {
		flip(t, filepath.Join(r.Root, place, filepath.FromSlash(key)))
	}
	s.TamperUpload = func(t storagetest.T, place, token string) {
		flip(t, filepath.Join(r.Root, place, ".drydock-uploads", token, "data"))
	}
	s.Full = func(t storagetest.T) string {
		place := enroll(t)
		small(t, filepath.Join(r.Root, place))
		return place
	}
	s.Objects = 300
	if missing := storagetest.Missing(s); len(missing) > 0 {
		t.Errorf("cases are left out: %v", missing)
	}
	storagetest.Run(t, s)
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
