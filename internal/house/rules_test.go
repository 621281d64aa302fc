package house_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	module = "github.com/drydock-backup/drydock"
	most   = 500 // lines of a file that a person wrote and that is no test
)

// file is one parsed Go file.
type file struct {
	*ast.File
	set   *token.FileSet
	name  string // relative to the module, with slashes
	dir   string // of the package, likewise
	lines int
	test  bool
}

func parse(root, name string) (*file, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(root, name)
	if err != nil {
		return nil, err
	}
	f := &file{set: token.NewFileSet(), name: filepath.ToSlash(rel), lines: strings.Count(string(text), "\n")}
	f.dir, f.test = path.Dir(f.name), strings.HasSuffix(f.name, "_test.go")
	f.File, err = parser.ParseFile(f.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return f, err
}

func (f *file) generated() bool { return ast.IsGenerated(f.File) }

// within reports whether a package is one of the trees.
func within(pkg string, trees ...string) bool {
	for _, tree := range trees {
		if pkg == tree || strings.HasPrefix(pkg, tree+"/") {
			return true
		}
	}
	return false
}

// allowed is the table of who may import whom. pkg and imported are packages of the house.
func allowed(pkg, imported string) bool {
	switch {
	case within(imported, "cmd"):
		return false
	case within(pkg, "agent/job", "agent/run"):
		return false
	case within(pkg, "agent"):
		return within(imported, "agent", "sdk")
	case within(pkg, "hcl"):
		return imported == "agent/job" || imported == "sdk/schema"
	case within(pkg, "plugins", "examples"):
		return within(imported, "sdk", provider(pkg))
	case within(pkg, "sdk"):
		return within(imported, "sdk")
	}
	return true // cmd wires everything together; internal is for tests and tools
}

// provider returns the tree of the provider that a package belongs to: plugins/storage/s3 and the like.
func provider(pkg string) string {
	parts := strings.SplitN(pkg, "/", 4)
	return strings.Join(parts[:min(3, len(parts))], "/")
}

// imports complains about imports that the house does not allow. Tests may use more, but those of the SDK: it is to
// stand on its own.
func (f *file) imports() (found []string) {
	if f.test && !within(f.dir, "sdk") {
		return nil
	}
	for _, spec := range f.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return append(found, fmt.Sprintf("%s: import %s: %v", f.name, spec.Path.Value, err))
		}
		own, house := strings.CutPrefix(name, module+"/")
		switch {
		case house && !allowed(f.dir, own):
			found = append(found, f.dir+" imports "+own)
		case !house && f.dir == "agent/job" && strings.Contains(strings.Split(name, "/")[0], "."):
			found = append(found, f.dir+" imports "+name)
		}
	}
	return found
}

// habits complains about what no file does.
func (f *file) habits() (found []string) {
	if f.generated() {
		return nil
	}
	if f.lines > most && !f.test {
		found = append(found, fmt.Sprintf("%s has %d lines", f.name, f.lines))
	}
	ast.Inspect(f.File, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				found = append(found, fmt.Sprintf("%s has an init function", f.at(n)))
			}
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(s.Sel.Name, "Skip") && f.test {
				found = append(found, fmt.Sprintf("%s skips a test", f.at(n)))
			}
		}
		return true
	})
	return found
}

func (f *file) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.name, f.set.Position(n.Pos()).Line)
}

// comments complains about packages that nobody has introduced. Where there are only tests, a test does it.
func comments(files []*file) (found []string) {
	said, code := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		code[f.dir] = code[f.dir] || !f.test
	}
	for _, f := range files {
		if f.generated() || f.Doc != nil && f.test != code[f.dir] {
			said[f.dir] = true
		}
	}
	for dir := range code {
		if !said[dir] {
			found = append(found, dir+" has no package comment")
		}
	}
	return found
}
