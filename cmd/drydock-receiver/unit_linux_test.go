package main

import (
	"context"
	"crypto/sha256"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/client"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// patience is far more than anything here takes, also on a busy machine.
const patience = time.Minute

// nobody is the user that the unit of the test runs as.
const nobody = 65534

// The receiver in a real systemd: its own unit works, hardened as it is, tells when it is ready, is reloaded and stopped; with
// the socket unit systemd listens, starts it when somebody comes, and keeps connections over a restart (R8.1, R8.5).
func TestUnit(t *testing.T) {
	t.Setenv("TMPDIR", "/srv") // the unit has a /tmp of its own
	host := testenv.Systemd(t)
	r := testenv.ReceiverDown(t, testenv.ReceiverSettings{In: filepath.Join(host.Share, "receiver")})
	bundle := r.Enroll(t, "shop")
	unit := r.Run(t, "unit", "--config", r.ConfigFile, "--user", "nobody")
	wantHardened(t, unit)
	give(t, r.Dir)
	host.Unit(t, "drydock-receiver.service", unit)
	host.Unit(t, "drydock-receiver.socket", r.Run(t, "unit", "--config", r.ConfigFile, "--socket"))

	host.Systemctl(t, "start", "drydock-receiver.service") // returns when it has said that it is ready
	s := connect(t, r, bundle)
	keep(t, s, "first")
	r.Set(t, testenv.ReceiverSettings{Limits: `quota = "1MiB"`})
	give(t, r.Dir)
	host.Systemctl(t, "reload", "drydock-receiver.service")
	testenv.Eventually(t, patience, "the new configuration holds", func() bool {
		room, err := s.Check(t.Context())
		return err == nil && room.Total == 1<<20
	})
	host.Systemctl(t, "stop", "drydock-receiver.service")
	if result := host.Systemctl(t, "show", "-P", "Result", "drydock-receiver.service"); result != "success" {
		t.Errorf("the stop ended with %s", result)
	}

	host.Systemctl(t, "start", "drydock-receiver.socket")
	keep(t, s, "second")
	before := host.Systemctl(t, "show", "-P", "MainPID", "drydock-receiver.service")
	host.Systemctl(t, "restart", "drydock-receiver.service")
	if now := host.Systemctl(t, "show", "-P", "MainPID", "drydock-receiver.service"); now == before || now == "0" {
		t.Errorf("process %s after the restart, %s before", now, before)
	}
	keep(t, s, "third")
	host.Systemctl(t, "stop", "drydock-receiver.service")
	for _, key := range []string{"first", "second", "third"} { // which starts it again
		if o, err := s.Stat(t.Context(), key); err != nil || o.Size != 4 {
			t.Errorf("%s: %+v, %v", key, o, err)
		}
	}
	host.Systemctl(t, "stop", "drydock-receiver.socket", "drydock-receiver.service")
}

// wantHardened has systemd judge the unit: 10 is a service without any protection.
func wantHardened(t *testing.T, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "drydock-receiver.service")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "systemd-analyze", "security", "--no-pager",
		"--offline=true", file).CombinedOutput()
	level := regexp.MustCompile(`exposure level for drydock-receiver.service: ([0-9.]+)`).FindSubmatch(out)
	if err != nil || level == nil {
		t.Fatalf("systemd-analyze: %v\n%s", err, out)
	}
	if exposure, err := strconv.ParseFloat(string(level[1]), 64); err != nil || exposure > 2.5 {
		t.Errorf("exposure level %s:\n%s", level[1], out)
	}
}

// give gives a directory and all that is in it to the unit's user.
func give(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, nobody, nobody)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, r *testenv.Receiver, bundle map[string]any) *client.Storage {
	t.Helper()
	s, err := client.New(client.Config{
		Address: r.Address, CAFile: bundle["ca_file"].(string), CertFile: bundle["cert_file"].(string),
		KeyFile: bundle["key_file"].(string), Connections: 2, ConnectTimeout: patience, StallTimeout: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// keep takes an object the whole way.
func keep(t *testing.T, s *client.Storage, key string) {
	t.Helper()
	const data = "abcd"
	file := filepath.Join(t.TempDir(), "chunk")
	if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	token, err := s.Begin(t.Context(), storage.Upload{Key: key, ChunkSize: int64(len(data))})
	if err == nil {
		c := storage.Chunk{Length: int64(len(data)), SHA256: sha256.Sum256([]byte(data)), File: file}
		err = s.PutChunk(t.Context(), token, c)
	}
	if err == nil {
		err = s.Commit(t.Context(), token, int64(len(data)))
	}
	if err != nil {
		t.Fatalf("keep %s: %v", key, err)
	}
	if o, err := s.Stat(t.Context(), key); err != nil || o.Key != key {
		t.Fatalf("%s is not there: %+v, %v", key, o, err)
	}
}
