package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
)

// Each example job file is valid as the real binary sees it, through the real providers, and in canonical layout. Only
// the secrets are put elsewhere.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "jobs", "*.hcl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			job := filepath.Join(dir, "job.hcl")
			moved := strings.ReplaceAll(string(text), `"/etc/drydock/`, `"`+dir+`/`)
			if err := os.WriteFile(job, []byte(moved), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"crm.pass", "archive.pass", "orders.pass", "orders-mysql", "dba-webhook"} {
				if err := os.WriteFile(filepath.Join(dir, secret), []byte("https://secret.example.com\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			bundle(t, dir)
			cmd := drydockCommand(t, "validate", job)
			cmd.Env = append(cmd.Env, "SHOP_MYSQL_PASSWORD=secret", "CREDENTIALS_DIRECTORY="+dir)
			r := finish(t, cmd).want(t, exitDone)
			if n := strings.Count(r.stdout, "is valid"); n != strings.Count("\n"+string(text), "\njob \"") {
				t.Errorf("%d jobs are valid:\n%s", n, r.stdout)
			}
			drydock(t, "fmt", "--check", name).want(t, exitDone)
		})
	}
}

// bundle makes the certificates of a receiver's client, where the examples have them.
func bundle(t *testing.T, dir string) {
	t.Helper()
	a, err := pki.Create(filepath.Join(t.TempDir(), "authority"), time.Now)
	if err == nil {
		_, err = a.Enroll("billing", filepath.Join(dir, "pki"), time.Hour)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A job file without its secret is refused, and the error says where the secret was looked for.
func TestExampleWithoutSecret(t *testing.T) {
	dir := t.TempDir()
	job := filepath.Join(dir, "job.hcl")
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "jobs", "minimal.hcl"))
	moved := strings.ReplaceAll(string(text), `"/etc/drydock/`, `"`+dir+`/`)
	if err := errors.Join(err, os.WriteFile(job, []byte(moved), 0o600)); err != nil {
		t.Fatal(err)
	}
	r := drydock(t, "validate", job).want(t, exitUsage)
	if !strings.Contains(r.stderr, filepath.Join(dir, "orders.pass")) || !strings.Contains(r.stderr, "job.hcl") {
		t.Errorf("standard error:\n%s", r.stderr)
	}
}
