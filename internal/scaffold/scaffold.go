// Package scaffold writes the module of a new provider: a main function, a configuration, a provider that works, its
// conformance test, and what is around them. It compiles and passes before its author has touched a line.
//
// The files are templates below templates/: those of the kind, and those in common/. The requirements of the new module are
// taken from the checkout that it is built with, so nothing has to be downloaded that the checkout does not need itself.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

//go:embed templates
var templates embed.FS

// SDKModule is the module that holds the SDK.
const SDKModule = "github.com/drydock-backup/drydock"

// Options says what to write.
type Options struct {
	Kind   string // storage, compress or notify
	Name   string // as job files name it: lower case letters, digits and hyphens
	Module string // path of the new module; empty: example.com/drydock-KIND-NAME
	Dir    string // where to write; empty: drydock-KIND-NAME. It must be empty or not exist
	SDK    string // a checkout of drydock to take the SDK from; empty: Release
	// Release is the version of drydock to require, such as v1.2.3, when there is no checkout.
	Release string
}

// ErrExists says that there is something in the directory already.
var ErrExists = errors.New("is not empty: nothing is ever overwritten")

// Write writes the module and returns its directory and the names of its files, sorted.
func Write(o Options) (dir string, files []string, err error) {
	d, err := newData(o)
	if err != nil {
		return "", nil, err
	}
	rendered, err := d.render()
	if err != nil {
		return "", nil, err
	}
	dir = o.Dir
	if dir == "" {
		dir = d.Binary
	}
	if err := writeAll(dir, rendered); err != nil {
		return "", nil, fmt.Errorf("write the module: %w", err)
	}
	for name := range rendered {
		files = append(files, name)
	}
	slices.Sort(files)
	return dir, files, nil
}

// data is what the templates see.
type data struct {
	Kind, Name, Binary string
	Module, Go         string
	SDK                string // absolute path of a checkout, or empty
	SDKModule          string
	SDKVersion         string
	Requires           []module.Version // what the SDK requires
	TestFlags, Block   string
	Files              []described
	sums               []byte
}

type described struct{ Name, What string }

func newData(o Options) (*data, error) {
	d := &data{Kind: o.Kind, Name: o.Name, Binary: "drydock-" + o.Kind + "-" + o.Name, SDKModule: SDKModule, Go: "1.26.0"}
	k, known := kinds()[o.Kind]
	switch {
	case !known:
		return nil, fmt.Errorf("kind %q: use storage, compress or notify", o.Kind)
	case !regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`).MatchString(o.Name) || len(o.Name) > 40:
		return nil, fmt.Errorf("name %q: use up to 40 lower case letters and digits, with hyphens between them", o.Name)
	}
	d.TestFlags, d.Files = k.flags, k.files
	d.Block = fmt.Sprintf(k.block, o.Name)
	d.Module = o.Module
	if d.Module == "" {
		d.Module = "example.com/" + d.Binary
	}
	if err := module.CheckImportPath(d.Module); err != nil {
		return nil, fmt.Errorf("module path: %w", err)
	}
	if o.SDK != "" {
		return d, d.readCheckout(o.SDK)
	}
	d.SDKVersion = o.Release
	if err := module.Check(SDKModule, o.Release); err != nil {
		return nil, fmt.Errorf("this drydock is no release (%q), so a checkout has to be named that has the SDK", o.Release)
	}
	return d, nil
}

// readCheckout takes the SDK and the versions of what it requires from a checkout.
func (d *data) readCheckout(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return fmt.Errorf("checkout: %w", err)
	}
	file, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return fmt.Errorf("checkout: %w", err)
	}
	if file.Module == nil || file.Module.Mod.Path != SDKModule || file.Go == nil {
		return fmt.Errorf("checkout: %s is not %s", dir, SDKModule)
	}
	d.SDK, d.SDKVersion, d.Go = modfile.AutoQuote(dir), "v0.0.0", file.Go.Version
	for _, r := range file.Require {
		if slices.Contains(sdkRequires(d.Kind), r.Mod.Path) {
			d.Requires = append(d.Requires, r.Mod)
		}
	}
	d.sums, err = os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		return fmt.Errorf("checkout: %w", err)
	}
	return nil
}

// render makes the files by name.
func (d *data) render() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, part := range []string{"common", d.Kind} {
		names, err := fs.Glob(templates, "templates/"+part+"/*.tmpl")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			t, err := template.ParseFS(templates, name)
			if err != nil {
				return nil, err
			}
			var b bytes.Buffer
			if err := t.Execute(&b, d); err != nil {
				return nil, err
			}
			files[outputName(name)] = b.Bytes()
		}
	}
	if d.sums != nil {
		files["go.sum"] = d.sums
	}
	return files, nil
}

func outputName(name string) string {
	name = strings.TrimSuffix(path.Base(name), ".tmpl")
	if name == "gitignore" {
		return ".gitignore"
	}
	return name
}

// writeAll writes the files to a directory that must be empty or not exist.
func writeAll(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("directory %s %w", dir, ErrExists)
	}
	for name, text := range files {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}
