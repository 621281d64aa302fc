//go:build linux

package plugin_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/plugin"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// thirdParty lets this binary stand in for third-party providers: under a file name, or for a script that runs it with
// the arguments third NAME VERSION.
func thirdParty() {
	p := dirProvider()
	switch {
	case os.Getenv("DRYDOCK_TEST_AGENT") != "" && len(os.Args) == 1:
		beAgent(os.Getenv("DRYDOCK_TEST_AGENT"))
	case filepath.Base(os.Args[0]) == "real_v1.2.3":
		p.Name = "real"
	case len(os.Args) == 4 && os.Args[1] == "third":
		p.Name, p.Version = os.Args[2], os.Args[3]
	default:
		return
	}
	storage.Serve(p)
	os.Exit(0)
}

// shop is a plugin directory with one third-party provider, storage "sftp" 1.2.3, and what is known about it.
type shop struct {
	dir     string // the plugin directory
	path    string // the provider
	ran     string // gets a line for each time that the provider is run
	options plugin.Options
}

func newShop(t *testing.T) *shop {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "plugins")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{dir: dir, path: filepath.Join(dir, "drydock-storage-sftp"), ran: filepath.Join(t.TempDir(), "ran")}
	s.install(t, s.path, "sftp", "1.2.3")
	s.options = plugin.Options{
		Self: self, PluginDir: dir, LockFile: "/etc/drydock/drydock.lock.hcl", Log: slog.New(slog.DiscardHandler),
		Builtins:     []plugin.Builtin{{Kind: "storage", Name: "dir", Version: "1.2.3", Schema: dirProvider().Schema}},
		Requirements: []plugin.Requirement{{Kind: "storage", Name: "sftp", Constraint: "~> 1.2"}},
		Pins:         []plugin.Pin{{Kind: "storage", Name: "sftp", Version: "1.2.3", Constraint: "~> 1.2", SHA256: sum(t, s.path)}},
	}
	return s
}

// install writes a provider: a script that runs this binary.
func (s *shop) install(t *testing.T, path, name, version string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("#!/bin/sh\necho %s >>%s\nexec %s third %s %s\n", version, s.ran, self, name, version)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// runs counts how often a provider was run.
func (s *shop) runs(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile(s.ran)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Count(string(data), "\n")
}

func (s *shop) host(t *testing.T) *plugin.Host {
	t.Helper()
	h, err := plugin.NewHost(s.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeHost(t, h) })
	return h
}

func sum(t *testing.T, path string) [32]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(data)
}

func sftp() job.Provider {
	return job.Provider{Type: "sftp", Label: "nas", Config: job.Config(`{"path": "/etc"}`)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestThirdParty runs a pinned provider: its schema is asked for once, its own checks come through, and it is started
// again when it dies.
func TestThirdParty(t *testing.T) {
	s := newShop(t)
	h := s.host(t)
	for range 2 {
		sc, err := h.Schema(t.Context(), "storage", "sftp")
		if err != nil || sc.Attribute("path") == nil {
			t.Fatalf("schema %v, %v", sc, err)
		}
	}
	if n := s.runs(t); n != 1 {
		t.Errorf("run %d times for its schema", n)
	}
	waitFor(t, "no process is left", func() bool { return len(h.Processes()) == 0 })
	var bad *plugin.ConfigError
	wrong := job.Provider{Type: "sftp", Label: "nas", Config: job.Config(`{"path": "etc"}`)}
	if _, err := h.Storage(t.Context(), wrong); !errors.As(err, &bad) || bad.Diagnostics[0].Path[0] != "path" {
		t.Errorf("its own check: %v", err)
	}
	store, err := h.Storage(t.Context(), sftp())
	must(t, err)
	if o, err := store.Stat(t.Context(), "hostname"); err != nil || o.Size == 0 {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := store.Stat(t.Context(), "die"); !errs.Is(err, errs.Transient) {
		t.Errorf("death: %v", err)
	}
	if _, err := store.Stat(t.Context(), "hostname"); err != nil {
		t.Errorf("after the restart: %v", err)
	}
	if _, err := store.Stat(t.Context(), "die"); !errs.Is(err, errs.Transient) {
		t.Errorf("second death: %v", err)
	}
	s.install(t, s.path, "sftp", "1.2.4")
	if _, err := store.Stat(t.Context(), "hostname"); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("a restart with another executable: %v", err)
	}
}

// TestThirdPartyBinary runs a provider that is no script, through a link inside the plugin directory.
func TestThirdPartyBinary(t *testing.T) {
	s := newShop(t)
	data, err := os.ReadFile(s.options.Self)
	must(t, err)
	file := filepath.Join(s.dir, "real_v1.2.3")
	must(t, os.WriteFile(file, data, 0o755))
	must(t, os.Symlink("real_v1.2.3", filepath.Join(s.dir, "drydock-storage-real")))
	s.options.Pins = append(s.options.Pins, plugin.Pin{Kind: "storage", Name: "real", Version: "1.2.3", SHA256: sum(t, file)})
	sc, err := s.host(t).Schema(t.Context(), "storage", "real")
	if err != nil || sc.Attribute("path") == nil {
		t.Errorf("%v, %v", sc, err)
	}
}

// TestList shows what configurations can name. It runs nothing.
func TestList(t *testing.T) {
	s := newShop(t)
	s.options.Requirements = append(s.options.Requirements, plugin.Requirement{Kind: "notify", Name: "ntfy", Constraint: ">= 1"})
	s.install(t, filepath.Join(s.dir, "drydock-notify-other"), "other", "1.0.0")
	var got []string
	for _, l := range plugin.List(s.options) {
		got = append(got, fmt.Sprintf("%s/%s %q builtin=%t pinned=%t %s err=%v", l.Kind, l.Name, l.Version, l.Builtin, l.Pin != nil,
			filepath.Base(l.Path), l.Err != nil))
	}
	want := []string{
		`storage/dir "1.2.3" builtin=true pinned=false . err=false`,
		`storage/sftp "1.2.3" builtin=false pinned=true drydock-storage-sftp err=false`,
		`notify/ntfy "" builtin=false pinned=false drydock-notify-ntfy err=true`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := s.runs(t); n > 0 {
		t.Errorf("a provider was run %d times", n)
	}
}

// TestPin pins what is installed, once it has said who it is.
func TestPin(t *testing.T) {
	s := newShop(t)
	want := s.options.Pins[0]
	s.options.Pins = nil
	h := s.host(t)
	got, err := h.Pin(t.Context(), "storage", "sftp")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if n := s.runs(t); n != 1 {
		t.Errorf("run %d times", n)
	}
	waitFor(t, "no process is left", func() bool { return len(h.Processes()) == 0 })
	for _, tt := range []struct{ name, calls, version, want string }{
		{"outside", "sftp", "2.0.0", `its version 2.0.0 is outside of the constraint "~> 1.2"`},
		{"prerelease", "sftp", "1.3.0-beta1", "is outside"},
		{"no number", "sftp", "devel", `its version "devel" is no number`},
		{"no version", "sftp", `""`, `it calls its version ""`},
		{"other name", "ftp", "1.2.3", `is storage provider "ftp"`},
	} {
		s.install(t, s.path, tt.calls, tt.version)
		if _, err := h.Pin(t.Context(), "storage", "sftp"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v\nlacks %q", tt.name, err, tt.want)
		}
	}
	must(t, os.Chmod(s.dir, 0o777))
	_, err = h.Pin(t.Context(), "storage", "sftp")
	wantRefused(t, err, "can be written by others", "chmod go-w")
	waitFor(t, "no process is left", func() bool { return len(h.Processes()) == 0 })
}
