package hcl_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/hcl"
)

// warningsOnly are files that are accepted with a warning.
var warningsOnly = map[string]bool{"exclude_vital": true, "name_year_only": true, "name_per_day": true,
	"encrypt_short_passphrase": true}

// TestBadFiles holds what is said about each bad job file against its golden file. `go test ./hcl -update` writes them
// anew; read the difference before you keep it.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.hcl")
	if err != nil || len(files) < 40 {
		t.Fatalf("found %d bad job files (%v), want 40 or more", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".hcl")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			result, diags := testLoader(t, nil).Load(t.Context(), hcl.Source{Name: name + ".hcl", Data: data})
			if len(diags) == 0 {
				t.Fatal("no diagnostics")
			}
			if diags.HasErrors() == warningsOnly[name] {
				t.Errorf("HasErrors() = %t", diags.HasErrors())
			}
			if diags.HasErrors() && len(result.Jobs) > 0 && !strings.HasPrefix(name, "job_twice") && !oneGoodJob[name] {
				t.Errorf("a job with errors was kept")
			}
			checkPositions(t, data, diags)
			golden(t, strings.TrimSuffix(file, ".hcl")+".golden", text(t, diags))
		})
	}
}

// oneGoodJob are files whose mistake is outside of their job.
var oneGoodJob = map[string]bool{"attribute_top_level": true, "block_wrong_level": true}

// checkPositions wants ranges inside the file, a source line with each, and the order of positions.
func checkPositions(t *testing.T, data []byte, diags hcl.Diagnostics) {
	t.Helper()
	lines := bytes.Count(data, []byte("\n")) + 1
	last := hcl.Diagnostic{}
	for _, d := range diags {
		if d.Line < 0 || d.Line > lines || d.EndLine < d.Line || (d.Line > 0) != (d.Column > 0) {
			t.Errorf("position %d:%d to %d:%d of %q is outside the file", d.Line, d.Column, d.EndLine, d.EndColumn, d.Summary)
		}
		if d.Line < last.Line || (d.Line == last.Line && d.Column < last.Column) {
			t.Errorf("%q is out of order", d.Summary)
		}
		if d.Detail == "" || d.Summary == "" {
			t.Errorf("%q does not say what would be right", d.Summary)
		}
		last = d
	}
}

func text(t *testing.T, diags hcl.Diagnostics) string {
	t.Helper()
	var b bytes.Buffer
	if err := diags.WriteText(&b, false, 100); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func asJSON(t *testing.T, diags hcl.Diagnostics) string {
	t.Helper()
	data, err := json.Marshal(diags)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("diagnostics changed (-want +got):\n%s", diff)
	}
}
