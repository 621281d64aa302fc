package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"

	"example.com/drydock-storage-sftp/store"
)

// settings are config's for a storage in this process.
func (s *sshd) settings(dir string) store.Config {
	return store.Config{Host: "127.0.0.1", Port: s.port, User: s.user, Path: dir, KeyFile: s.keyFile, KnownHosts: s.knownHosts,
		Mode: "0600", Timeout: 5 * time.Second}
}

func open(t conformance.T, c store.Config) *store.Store {
	t.Helper()
	s, err := store.New(c)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// trust adds the server's key under another port to the known ones.
func (s *sshd) trust(t *testing.T, port int) {
	t.Helper()
	text, err := os.ReadFile(s.knownHosts)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Replace(string(text), strconv.Itoa(s.port), strconv.Itoa(port), 1)
	write(t, s.knownHosts, append(text, line...))
}

func chunkOf(t *testing.T, data []byte) storage.Chunk {
	t.Helper()
	file := filepath.Join(t.TempDir(), "chunk")
	write(t, file, data)
	return storage.Chunk{Length: int64(len(data)), SHA256: sha256.Sum256(data), File: file}
}

func wantKind(t *testing.T, what string, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: error %v of kind %q; want %q", what, err, errs.KindOf(err), kind)
	}
}

func TestWho(t *testing.T) {
	server := startSSHD(t, "")
	dir := t.TempDir()
	c := server.settings(dir)
	if _, err := open(t, c).Check(t.Context()); err != nil {
		t.Fatalf("with the right keys: %v", err)
	}

	t.Run("another key of the server", func(t *testing.T) {
		c := server.settings(dir)
		c.KnownHosts = filepath.Join(t.TempDir(), "known")
		key := writeKey(t, filepath.Join(t.TempDir(), "other"), "")
		write(t, c.KnownHosts, []byte(knownhosts.Line([]string{net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port))}, key)))
		_, err := open(t, c).Check(t.Context())
		wantKind(t, "check", err, errs.Permanent)
	})
	t.Run("a key that the server does not know", func(t *testing.T) {
		c := server.settings(dir)
		c.KeyFile = filepath.Join(t.TempDir(), "stranger")
		writeKey(t, c.KeyFile, "")
		_, err := open(t, c).Check(t.Context())
		wantKind(t, "check", err, errs.Permission)
	})
	t.Run("no such directory", func(t *testing.T) {
		c := server.settings(filepath.Join(dir, "missing"))
		_, err := open(t, c).Begin(t.Context(), storage.Upload{Key: "object", ChunkSize: 1})
		wantKind(t, "begin", err, errs.NotFound)
		if _, err := os.Stat(c.Path); err == nil {
			t.Error("it was made")
		}
	})
	t.Run("a file", func(t *testing.T) {
		c := server.settings(filepath.Join(dir, "file"))
		write(t, c.Path, nil)
		_, err := open(t, c).Check(t.Context())
		wantKind(t, "check", err, errs.Invalid)
	})
}

// TestNetwork: a way that breaks or freezes is a transient error after the timeout at the latest, and the next call works.
func TestNetwork(t *testing.T) {
	server := startSSHD(t, "")
	p := startProxy(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(server.port)))
	server.trust(t, p.port)
	c := server.settings(t.TempDir())
	c.Port, c.Timeout = p.port, time.Second
	s := open(t, c)
	token, err := s.Begin(t.Context(), storage.Upload{Key: "object", ChunkSize: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	chunk := chunkOf(t, bytes.Repeat([]byte("x"), 8<<20))
	steps := []struct {
		name    string
		do      func()
		context time.Duration // of the call; 0: none
		kind    errs.Kind     // "": it works, now or at the second try
	}{
		{"cut", p.cut, 0, ""},
		{"frozen", p.freeze, 0, errs.Transient},
		{"still frozen", func() {}, 0, errs.Transient},
		{"frozen and cancelled", func() {}, 100 * time.Millisecond, errs.Canceled},
		{"thawed", p.thaw, 0, ""},
	}
	for _, step := range steps {
		step.do()
		ctx, cancel := context.WithCancel(t.Context())
		if step.context > 0 {
			ctx, cancel = context.WithTimeout(t.Context(), step.context)
		}
		began := time.Now()
		err := s.PutChunk(ctx, token, chunk)
		cancel()
		took := time.Since(began)
		limit := 40 * time.Second
		if step.context > 0 {
			limit = 20 * time.Second
		}
		if step.kind == "" && err != nil {
			wantKind(t, step.name, err, errs.Transient)
			err = s.PutChunk(t.Context(), token, chunk)
		}
		if took > limit || (step.kind == "" && err != nil) || (step.kind != "" && !errs.Is(err, step.kind)) {
			t.Fatalf("%s: error %v of kind %q after %s; want %q", step.name, err, errs.KindOf(err), took, step.kind)
		}
	}
	if err := s.Commit(t.Context(), token, chunk.Length); err != nil {
		t.Error(err)
	}
}

func TestNoServer(t *testing.T) {
	dir := t.TempDir()
	c := store.Config{Host: "127.0.0.1", User: "u", Path: ".", KeyFile: filepath.Join(dir, "key"),
		KnownHosts: filepath.Join(dir, "known"), Mode: "0600", Timeout: 300 * time.Millisecond}
	key := writeKey(t, c.KeyFile, "")
	for name, port := range map[string]int{"nobody listens": freePort(t), "nobody answers": silent(t)} {
		t.Run(name, func(t *testing.T) {
			c := c
			c.Port = port
			write(t, c.KnownHosts, []byte(knownhosts.Line([]string{net.JoinHostPort(c.Host, strconv.Itoa(port))}, key)))
			began := time.Now()
			_, err := open(t, c).Check(t.Context())
			wantKind(t, "check", err, errs.Transient)
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestCommitAfterCrash: a commit that died between the new name and the removal of the old one is finished by the next.
func TestCommitAfterCrash(t *testing.T) {
	server := startSSHD(t, "")
	dir := t.TempDir()
	s := open(t, server.settings(dir))
	for name, mine := range map[string]bool{"mine": true, "someone-elses": false} {
		token, err := s.Begin(t.Context(), storage.Upload{Key: name, ChunkSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.PutChunk(t.Context(), token, chunkOf(t, []byte("0123456789"))); err != nil {
			t.Fatal(err)
		}
		if mine {
			err = os.Link(filepath.Join(dir, ".drydock-uploads", token, "data"), filepath.Join(dir, name))
		} else {
			err = os.WriteFile(filepath.Join(dir, name), []byte("9876543210"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			err := s.Commit(t.Context(), token, 10)
			if mine && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !mine {
				wantKind(t, name, err, errs.Exists)
			}
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, error %v", name, info.Mode(), err)
		}
	}
}

// TestStrangersFiles: what else lies in the directory is no object, and is left alone.
func TestStrangersFiles(t *testing.T) {
	server := startSSHD(t, "")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secret"), []byte("x"))
	if err := os.Symlink("secret", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	s := open(t, server.settings(dir))
	_, err := s.Stat(t.Context(), "link")
	wantKind(t, "stat a symbolic link", err, errs.NotFound)
	wantKind(t, "read a symbolic link", s.ReadRange(t.Context(), "link", 0, 1, &bytes.Buffer{}), errs.NotFound)
	_, err = s.Begin(t.Context(), storage.Upload{Key: "link", ChunkSize: 1})
	wantKind(t, "begin under a symbolic link's name", err, errs.Exists)
	_, err = s.Begin(t.Context(), storage.Upload{Key: ".drydock-uploads/x", ChunkSize: 1})
	wantKind(t, "begin among the uploads", err, errs.Invalid)
	var keys []string
	err = s.List(t.Context(), "", func(o storage.Object) error { keys = append(keys, o.Key); return nil })
	if err != nil || len(keys) != 1 {
		t.Errorf("listed %q, error %v", keys, err)
	}
}

// TestConfiguration: every mistake points at its attribute.
func TestConfiguration(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	key := writeKey(t, file("key"), "")
	writeKey(t, file("locked"), "open sesame")
	write(t, file("known"), []byte(knownhosts.Line([]string{"nas"}, key)))
	write(t, file("junk"), []byte("junk\n"))
	writeKey(t, file("readable"), "")
	if err := os.Chmod(file("readable"), 0o644); err != nil {
		t.Fatal(err)
	}
	fine := store.Config{Host: "nas", Port: 22, User: "u", Path: "backups", KeyFile: file("key"), KnownHosts: file("known"),
		Mode: "0640", Timeout: time.Second}
	tests := []struct {
		name   string
		change func(c *store.Config)
		want   string
	}{
		{"fine", func(*store.Config) {}, ""},
		{"passphrase", func(c *store.Config) { c.KeyFile, c.Passphrase = file("locked"), "open sesame" }, ""},
		{"wrong passphrase", func(c *store.Config) { c.KeyFile, c.Passphrase = file("locked"), "guess" }, "passphrase"},
		{"no passphrase", func(c *store.Config) { c.KeyFile = file("locked") }, "passphrase"},
		{"no key", func(c *store.Config) { c.KeyFile = file("missing") }, "key_file"},
		{"junk as key", func(c *store.Config) { c.KeyFile = file("junk") }, "key_file"},
		{"key for all to read", func(c *store.Config) { c.KeyFile = file("readable") }, "key_file"},
		{"no known hosts", func(c *store.Config) { c.KnownHosts = file("missing") }, "known_hosts"},
		{"junk as known hosts", func(c *store.Config) { c.KnownHosts = file("junk") }, "known_hosts"},
		{"unknown host", func(c *store.Config) { c.Host = "other" }, "known_hosts"},
		{"unknown port", func(c *store.Config) { c.Port = 2222 }, "known_hosts"},
		{"no user", func(c *store.Config) { c.User = "" }, "user"},
		{"no path", func(c *store.Config) { c.Path = "" }, "path"},
		{"mode", func(c *store.Config) { c.Mode = "rw" }, "mode"},
		{"mode without writing", func(c *store.Config) { c.Mode = "0400" }, "mode"},
		{"timeout", func(c *store.Config) { c.Timeout = 0 }, "timeout"},
		{"two mistakes", func(c *store.Config) { c.Mode, c.Timeout = "rw", -1 }, "mode timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := fine
			tt.change(&c)
			_, err := store.New(c)
			diags, rest := schema.Diagnostics(err)
			var got []string
			for _, d := range diags {
				got = append(got, d.Path[0])
				if strings.Contains(d.Error(), "guess") {
					t.Errorf("%q shows a secret", d.Error())
				}
			}
			if strings.Join(got, " ") != tt.want || rest != nil {
				t.Errorf("diagnostics %v, error %v; want one at %q", diags, rest, tt.want)
			}
		})
	}
}
