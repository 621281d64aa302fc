package main

import (
	"bytes"
	"context"
	"encoding/json"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPluginInit writes a module of each kind, which must build, vet and pass its own test untouched and without a network,
// and whose binary must pass drydock plugin test.
func TestPluginInit(t *testing.T) {
	sdk, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string][]string{
		"storage":  {"--set", "path={dir}", "--objects", "100"},
		"compress": {"--set", "level=fast"},
		"notify":   {"--set", "url={address}/{secret}", "--set", "timeout=1s"},
	}
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "module")
			args := []string{"plugin", "init", kind, "mine", "--sdk", sdk, "--dir", dir, "--module", "example.org/team/mine"}
			r := drydock(t, args...).want(t, exitDone)
			wantModule(t, dir, r.stdout)
			goCommand(t, dir, "vet", "./...")
			goCommand(t, dir, "test", "./...")
			binary := filepath.Join(dir, "drydock-"+kind+"-mine")
			goCommand(t, dir, "build", "-o", binary, ".")
			wantPass(t, append([]string{binary}, flags[kind]...), map[string]int{"storage": 50, "compress": 30, "notify": 25}[kind])
			if r := drydock(t, args...).want(t, exitUsage); !strings.Contains(r.stderr, "nothing is ever overwritten") {
				t.Errorf("a second init said: %s", r.stderr)
			}
		})
	}
}

// wantModule checks that every file is named, gofmt-clean and free of leftovers of the templates.
func wantModule(t *testing.T, dir, told string) {
	t.Helper()
	for _, name := range []string{"main.go", "provider_test.go", "go.mod", "go.sum", "README.md", "Makefile", ".gitignore"} {
		if !strings.Contains(told, filepath.Join(dir, name)+"\n") {
			t.Errorf("init did not tell of %s:\n%s", name, told)
		}
	}
	for name, text := range readAll(t, dir) {
		if strings.Contains(text, "{{") || strings.Contains(text, "<no value>") {
			t.Errorf("%s holds what is left of a template", name)
		}
		if filepath.Ext(name) != ".go" {
			continue
		}
		if formatted, err := format.Source([]byte(text)); err != nil || !bytes.Equal(formatted, []byte(text)) {
			t.Errorf("%s is not gofmt-clean (%v)", name, err)
		}
	}
}

// goCommand runs the go command in a module as its author would, but without a network.
func goCommand(t *testing.T, dir string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// wantPass runs drydock plugin test, which must pass with at least a number of cases, and returns the report by case.
func wantPass(t *testing.T, args []string, least int) map[string]caseRow {
	t.Helper()
	cmd := drydockCommand(t, append([]string{"plugin", "test", "--json"}, args...)...)
	cmd.Env = append(cmd.Env, "GORACE=atexit_sleep_ms=0") // a race detector's second at each end would be minutes
	r := finish(t, cmd)
	var shape []map[string]any
	var rows []caseRow
	if err := json.Unmarshal([]byte(r.stdout), &shape); err != nil {
		t.Fatalf("exit code %d, no JSON: %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	if err := json.Unmarshal([]byte(r.stdout), &rows); err != nil {
		t.Fatal(err)
	}
	byName := map[string]caseRow{}
	passed := 0
	for i, row := range rows {
		byName[row.Case] = row
		if row.Status == statusPass {
			passed++
		}
		if row.Status == statusFail {
			t.Errorf("%s: %s", row.Case, row.Detail)
		}
		if _, whole := shape[i]["detail"]; !whole || len(shape[i]) != 4 {
			t.Errorf("case %s has other keys than case, status, seconds, detail: %v", row.Case, shape[i])
		}
	}
	if passed < least || r.code != exitDone {
		t.Errorf("%d cases passed, exit code %d; want %d and 0\n%s", passed, r.code, least, r.stderr)
	}
	return byName
}

func TestPluginInitRefuses(t *testing.T) {
	sdk, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"kind", []string{"tape", "mine", "--sdk", sdk}, `kind "tape": use storage, compress or notify`},
		{"name", []string{"storage", "Mine", "--sdk", sdk}, `name "Mine"`},
		{"path as name", []string{"storage", "../mine", "--sdk", sdk}, `name "../mine"`},
		{"built-in name", []string{"storage", "file", "--sdk", sdk}, "is built in"},
		{"module", []string{"storage", "mine", "--sdk", sdk, "--module", "not a path"}, "module path"},
		{"no checkout", []string{"storage", "mine", "--sdk", t.TempDir()}, "checkout"},
		{"no release", []string{"storage", "mine"}, "is no release"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "module")
			r := drydock(t, append([]string{"plugin", "init", "--dir", dir}, tt.args...)...).want(t, exitUsage)
			if !strings.Contains(r.stderr, tt.says) {
				t.Errorf("want %q in %s", tt.says, r.stderr)
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("%s was made", dir)
			}
		})
	}
}

// A directory that holds anything is left as it is.
func TestPluginInitOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package precious\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	drydock(t, "plugin", "init", "storage", "mine", "--sdk", "../..", "--dir", dir).want(t, exitUsage)
	if d := cmp.Diff(map[string]string{"main.go": "package precious\n"}, readAll(t, dir)); d != "" {
		t.Error(d)
	}
}
