package plugins_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// TestModules vets and tests each example that is a module of its own, which go test ./... at the root leaves out.
func TestModules(t *testing.T) {
	if err := install.Install(t.Context(), install.SSHD, t.Output()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*/go.mod")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d modules found, error %v", len(files), err)
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(dir, func(t *testing.T) {
			golang(t, dir, "vet", "./...")
			golang(t, dir, "build", "-o", filepath.Join(t.TempDir(), "plugin"), ".")
			golang(t, dir, "test", "-timeout", "5m", "./...")
		})
	}
}

// golang runs the go command in a module, with a copy of go.mod and go.sum that may follow the SDK's: a changed requirement
// of the SDK is no failure here, and changes nothing in the checkout.
func golang(t *testing.T, dir, command string, args ...string) {
	t.Helper()
	modules := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(modules, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args = append([]string{command, "-mod=mod", "-modfile=" + filepath.Join(modules, "go.mod")}, args...)
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go %v in %s: %v\n%s", args, dir, err, out)
	}
}
