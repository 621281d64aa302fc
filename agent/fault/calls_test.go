package fault_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/fault"
)

const root = "../.."

// Every boundary of the list is crossed somewhere in the agent, and nothing else is. Each has its words.
func TestListIsComplete(t *testing.T) {
	var listed []string
	for _, b := range fault.Boundaries() {
		if b.Doc == "" {
			t.Errorf("%s has no words", b.Name)
		}
		if !strings.HasPrefix(b.Name, "step.") { // their names are those of the steps: the matrix meets them all
			listed = append(listed, b.Name)
		}
	}
	slices.Sort(listed)
	called := calls(t, filepath.Join(root, "agent"))
	if d := cmp.Diff(listed, called); d != "" {
		t.Errorf("listed, but not called (-), or called, but not listed (+):\n%s", d)
	}
	if n := 2 * len(fault.Boundaries()); n < 40 {
		t.Errorf("%d points", n)
	}
}

// calls returns the names that fault.Around is called with below a directory, sorted.
func calls(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if name, ok := boundary(n); ok {
				names = append(names, name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// boundary returns the name in a call of fault.Around.
func boundary(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return "", false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "Around" {
		return "", false
	}
	if pkg, ok := f.X.(*ast.Ident); !ok || pkg.Name != "fault" {
		return "", false
	}
	text, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return "not a literal", true
	}
	name, err := strconv.Unquote(text.Value)
	return name, err == nil
}

// A drydock that is built as it is released knows no point and no order; one that is built with the tag does.
func TestReleaseHasNone(t *testing.T) {
	for tags, want := range map[string]bool{"": false, "faults": true} {
		binary := filepath.Join(t.TempDir(), "drydock")
		cmd := exec.CommandContext(t.Context(), "go", "build", "-C", root, "-tags", tags, "-o", binary, "./cmd/drydock")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		data, err := os.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"DRYDOCK_FAULT", "injected fault at", "record.intent", "spool.sync-dir"} {
			if got := bytes.Contains(data, []byte(text)); got != want {
				t.Errorf("built with tags %q: the binary has %q: %t", tags, text, got)
			}
		}
	}
}
