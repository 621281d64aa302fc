package hcl_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/hcl"
)

func TestWriteText(t *testing.T) {
	d := hcl.Diagnostic{File: "a.hcl", Line: 12, Column: 3, EndLine: 12, EndColumn: 7, Severity: hcl.SeverityError,
		Summary: "unknown attribute", Detail: "One two three four five.\n    example = 1", Source: "\thöts = \x1b[31m1"}
	const head = "error: unknown attribute\n  --> a.hcl:12:3\n   |\n"
	tests := map[string]struct {
		change func(*hcl.Diagnostic)
		color  bool
		width  int
		want   string
	}{
		"plain": {func(*hcl.Diagnostic) {}, false, 0,
			head + "12 |  höts = �[31m1\n   |   ^^^^\n  One two three four five.\n      example = 1\n"},
		"narrow": {func(*hcl.Diagnostic) {}, false, 22,
			head + "12 |  höts = �[31m1\n   |   ^^^^\n  One two three four\n  five.\n      example = 1\n"},
		"color": {func(d *hcl.Diagnostic) { d.Source, d.Detail = "x = 1", "" }, true, 0,
			"\x1b[1;31merror\x1b[0m: \x1b[1munknown attribute\x1b[0m\n  \x1b[34m-->\x1b[0m a.hcl:12:3\n   \x1b[34m|\x1b[0m\n" +
				"\x1b[34m12\x1b[0m \x1b[34m|\x1b[0m x = 1\n   \x1b[34m|\x1b[0m   \x1b[1;31m^^^\x1b[0m\n"},
		"warning": {func(d *hcl.Diagnostic) { d.Severity, d.Line, d.Detail = hcl.SeverityWarning, 0, "" }, false, 0,
			"warning: unknown attribute\n --> a.hcl\n"},
		"more lines": {func(d *hcl.Diagnostic) { d.EndLine, d.Source, d.Detail = 14, "x = [1,", "" }, false, 0,
			"error: unknown attribute\n  --> a.hcl:12:3\n   |\n12 | x = [1,\n   |   ^^^^^\n"},
		"end of line": {func(d *hcl.Diagnostic) { d.Column, d.EndColumn, d.Source, d.Detail = 4, 4, "x =", "" }, false, 0,
			"error: unknown attribute\n  --> a.hcl:12:4\n   |\n12 | x =\n   |    ^\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			one := d
			tt.change(&one)
			var b bytes.Buffer
			if err := (hcl.Diagnostics{one}).WriteText(&b, tt.color, tt.width); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

// A line of any length is cut so that the range stays in sight.
func TestWriteTextCutsLongLines(t *testing.T) {
	line := strings.Repeat("a", 500) + "HERE" + strings.Repeat("b", 500)
	d := hcl.Diagnostic{File: "a.hcl", Line: 1, Column: 501, EndLine: 1, EndColumn: 505, Severity: hcl.SeverityError, Source: line}
	for _, width := range []int{30, 80, 120} {
		lines := strings.Split(text1(t, d, width), "\n")
		source, carets := lines[3], lines[4]
		if utf8.RuneCountInString(source) > width || !strings.Contains(source, "HERE") ||
			strings.Index(string([]rune(source)), "HERE")-len("…")+1 != strings.Index(carets, "^^^^") {
			t.Errorf("width %d:\n%s\n%s", width, source, carets)
		}
	}
}

func text1(t *testing.T, d hcl.Diagnostic, width int) string {
	t.Helper()
	var b bytes.Buffer
	if err := (hcl.Diagnostics{d}).WriteText(&b, false, width); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWriteTextReportsWriteErrors(t *testing.T) {
	if err := (hcl.Diagnostics{{}}).WriteText(brokenWriter{}, false, 0); err == nil {
		t.Error("a failed write is not reported")
	}
}
