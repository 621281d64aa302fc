package hcl

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// origin is the mark of values that came from outside the job file. Marked values are never printed.
type origin string

// outside is the one mark: a value of env(), file() or credential(), or something made from it.
const outside origin = "outside"

// maxSecretFile bounds what file() and credential() read, in bytes.
const maxSecretFile = 1 << 20

// readsOutside names the functions whose values are marked.
func readsOutside() []string { return []string{"credential", "env", "file"} }

// functionNames lists the functions of the language.
func functionNames() []string {
	return slices.Sorted(maps.Keys((&library{}).functions("")))
}

// library is what the functions of one load read from. Each outside value is read once, so a job whose artifact name is
// evaluated weeks later still sees what was validated. Safe for concurrent use.
type library struct {
	readFile func(string) ([]byte, error)
	getenv   func(string) (string, bool)

	mu   sync.Mutex
	memo map[string]string
}

// functions are the functions for a job file in dir.
func (l *library) functions(dir string) map[string]function.Function {
	return map[string]function.Function{
		"env":        l.reader("env", "name", l.env),
		"file":       l.reader("file:"+dir, "path", func(path string) (string, error) { return l.file(dir, path) }),
		"credential": l.reader("credential", "name", l.credential),
		"formatdate": stdlib.FormatDateFunc,
		"lower":      stdlib.LowerFunc,
		"upper":      stdlib.UpperFunc,
		"replace":    stdlib.ReplaceFunc,
		"join":       stdlib.JoinFunc,
		"format":     stdlib.FormatFunc,
	}
}

// reader makes a function of one string whose result is marked. Its errors are the only ones of marked expressions
// that are shown, so they must not repeat an argument that is marked itself.
func (l *library) reader(id, param string, read func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: param, Type: cty.String, AllowMarked: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			arg, marks := args[0].Unmark()
			if !arg.IsKnown() {
				return cty.UnknownVal(cty.String).Mark(outside), nil
			}
			text, err := l.once(id, arg.AsString(), read)
			if err == nil && cty.StringVal(text).AsString() != text {
				err = errors.New("the text is not in Unicode normal form NFC, so the job language would change it")
			}
			if err != nil && len(marks) > 0 {
				err = fmt.Errorf("cannot be read, and its %s comes from another secret, so it is not shown", param)
			}
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return cty.StringVal(text).Mark(outside), nil
		},
	})
}

// once reads each value one time.
func (l *library) once(id, arg string, read func(string) (string, error)) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := id + "\x00" + arg
	if text, ok := l.memo[key]; ok {
		return text, nil
	}
	text, err := read(arg)
	if err == nil {
		l.memo[key] = text
	}
	return text, err
}

func (l *library) env(name string) (string, error) {
	value, ok := l.getenv(name)
	if !ok {
		return "", fmt.Errorf("environment variable %q is not set", name)
	}
	return value, nil
}

func (l *library) file(dir, path string) (string, error) {
	if path == "" {
		return "", errors.New("the path is empty")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return l.read(path)
}

// credential reads a credential that systemd put in place for the service (LoadCredential=).
func (l *library) credential(name string) (string, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\") {
		return "", fmt.Errorf("%q is no name of a credential: it is one word without slashes", name)
	}
	dir, ok := l.getenv("CREDENTIALS_DIRECTORY")
	if !ok || dir == "" {
		return "", fmt.Errorf("credential %q: there are no systemd credentials here, because $CREDENTIALS_DIRECTORY is not set; "+
			"they exist in a service whose unit says LoadCredential=%s:/path, elsewhere file() reads the file itself", name, name)
	}
	return l.read(filepath.Join(dir, name))
}

// read returns the text of a file without the one line break that editors put at its end.
func (l *library) read(path string) (string, error) {
	data, err := l.readFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot read %q: %s", path, strings.TrimSuffix(lowerFirst(fileProblem(err)), "."))
	}
	if badByte(data) >= 0 {
		return "", fmt.Errorf("%q is not a text file in UTF-8", path)
	}
	text := strings.TrimSuffix(string(data), "\n")
	return strings.TrimSuffix(text, "\r"), nil
}
