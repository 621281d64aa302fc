package hcl_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"pgregory.net/rapid"

	"github.com/drydock-backup/drydock/hcl"
)

func TestFormat(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"spaces": {
			"job \"a\" {\n    restart=\"after-ship\"   \n\n\n\n  mysql{\nuser= \"x\"\n  data_dir   =\"/d\"\n}\n}",
			"job \"a\" {\n  restart = \"after-ship\"\n\n  mysql {\n    user     = \"x\"\n    data_dir = \"/d\"\n  }\n}\n",
		},
		"windows":      {"\xEF\xBB\xBFa = 1\r\nb = 2\r\n", "a = 1\nb = 2\n"},
		"blank around": {"\n\n\na = 1\n\n\n\n", "a = 1\n"},
		"comments": {
			"# one\n//two\n/* three\n\n\n  four */\na=1 # five   \n",
			"# one\n//two\n/* three\n\n\n  four */\na = 1 # five\n",
		},
		"heredoc": {
			"a = <<EOT\nkeep   \n\n\n\tthis\nEOT\nb=1\n",
			"a = <<EOT\nkeep   \n\n\n\tthis\nEOT\nb = 1\n",
		},
		"empty": {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, diags := hcl.Format([]byte(tt.in), "a.hcl")
			if diags.HasErrors() {
				t.Fatal(text(t, diags))
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("layout (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFormatRefusesBrokenFiles(t *testing.T) {
	for _, src := range []string{"job \"a\" {\n", "a = = 1\n", "a = \"x\n", "caf\xe9 = 1\n", "a = 1\na = 2\n"} {
		out, diags := hcl.Format([]byte(src), "a.hcl")
		if out != nil || !diags.HasErrors() || diags[0].Line == 0 {
			t.Errorf("Format(%q) = %q, %v; want an error with a position", src, out, diags)
		}
	}
}

// The job files of the tests and the examples, good and bad: formatting twice changes nothing, and no meaning is lost.
func TestFormatIsStable(t *testing.T) {
	var files []string
	for _, pattern := range []string{"testdata/bad/*.hcl", "testdata/good/*.hcl", "../examples/jobs/*.hcl"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		checkFormat(t, data)
	}
}

// fataler is what checkFormat needs of testing.T and rapid.T.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkFormat wants a formatted file to stay as it is when formatted again, and to mean the same.
func checkFormat(t fataler, data []byte) {
	t.Helper()
	once, diags := hcl.Format(data, "a.hcl")
	if diags.HasErrors() {
		return
	}
	twice, diags := hcl.Format(once, "a.hcl")
	if diags.HasErrors() || string(twice) != string(once) {
		t.Fatalf("second format differs\nsource: %q\nonce: %q\ntwice: %q\n%v", data, once, twice, diags)
	}
	before := strings.ReplaceAll(strings.TrimPrefix(string(data), "\xEF\xBB\xBF"), "\r\n", "\n")
	if diff := cmp.Diff(tree([]byte(before)), tree(once)); diff != "" {
		t.Fatalf("formatting changed what the file says\nsource: %q\nformatted: %q\n%s", data, once, diff)
	}
}

// tree is the syntax tree as nested text: names, labels and the tokens of each expression.
func tree(src []byte) []string {
	file, diags := hclsyntax.ParseConfig(src, "a.hcl", hcllib.InitialPos)
	if file == nil {
		return []string{diags.Error()}
	}
	return bodyTree(src, file.Body.(*hclsyntax.Body), "")
}

func bodyTree(src []byte, body *hclsyntax.Body, indent string) []string {
	var lines []string
	for name, attr := range body.Attributes {
		tokens, _ := hclsyntax.LexExpression(attr.Expr.Range().SliceBytes(src), "a.hcl", hcllib.InitialPos)
		line := indent + name + " ="
		for _, token := range tokens {
			if token.Type != hclsyntax.TokenNewline && token.Type != hclsyntax.TokenComment {
				line += " " + string(token.Bytes)
			}
		}
		lines = append(lines, line)
	}
	// Attributes come in the order of a map; blocks in the order of the file.
	slices.Sort(lines)
	for _, b := range body.Blocks {
		lines = append(lines, indent+b.Type+" "+strings.Join(b.Labels, " "))
		lines = append(lines, bodyTree(src, b.Body, indent+"  ")...)
	}
	return lines
}

// Any arrangement of the pieces of a job file can be formatted, and formatting it again changes nothing.
func TestFormatProperty(t *testing.T) {
	pieces := rapid.SampledFrom([]string{
		"job \"a\" {", "mysql {", "}", "{ x = 1 }", "\n", "\n\n\n", "\r\n", "  ", "\t", "user = \"x\"\n", "port=3306",
		"data_dir   = \"/d\"\n",
		"# note\n", "// note\n", "/* a\n b */", "x = [1,\n2,]\n", "x = {\n a = 1\n}\n",
		"x = <<EOT\n a  \n\nEOT\n", "x = <<-EOT\n  a\n  EOT\n",
		"x = \"${ run.id }\"\n", "x = a ? b : c\n", "x = f(1,2)\n", "y = -1\n",
		"target \"file\" \"n\" {", "x = [for a in b : a if !a]\n", "é = \"ü\"\n",
	})
	rapid.Check(t, func(t *rapid.T) {
		checkFormat(t, []byte(strings.Join(rapid.SliceOfN(pieces, 0, 25).Draw(t, "pieces"), "")))
	})
}
