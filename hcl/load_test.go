package hcl_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/hcl"
	"github.com/drydock-backup/drydock/sdk/schema"
)

func goodFile(name string) []byte {
	return []byte(strings.NewReplacer("BODY", "", `job "orders"`, `job "`+name+`"`).Replace(goodJob))
}

func writeFiles(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadDirectory(t *testing.T) {
	dir := writeFiles(t, map[string][]byte{
		"b.hcl": goodFile("b"), "a.hcl": goodFile("a"), ".hidden.hcl": []byte("bad {"), "notes.txt": []byte("bad {"),
		"sub.hcl/c.hcl": goodFile("c"),
	})
	result, diags := testLoader(t, nil).LoadFiles(t.Context(), dir, filepath.Join(dir, "a.hcl"))
	if len(diags) > 0 {
		t.Fatal(text(t, diags))
	}
	var got []string
	for _, j := range result.Jobs {
		got = append(got, j.Name+" "+filepath.Base(j.File))
	}
	if diff := cmp.Diff([]string{"a a.hcl", "b b.hcl"}, got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func TestLoadWithoutFile(t *testing.T) {
	dir := writeFiles(t, map[string][]byte{
		"empty/readme.txt": []byte("x"), "large.hcl": make([]byte, hcl.MaxFileSize+1), "nul.hcl": []byte("job \"a\" {\n\x00}"),
	})
	tests := map[string]struct {
		path string
		want []string
	}{
		"missing":         {"gone.hcl", []string{"gone.hcl", "no such file"}},
		"empty directory": {"empty", []string{"no job files", "end in .hcl"}},
		"too large":       {"large.hcl", []string{"cannot read", "larger than 1024 KiB"}},
		"NUL byte":        {"nul.hcl", []string{"not UTF-8 text", ":2:1", "0x00"}},
		"device":          {"../../../../../../../../dev/null", []string{"not a regular file"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			result, diags := testLoader(t, nil).LoadFiles(t.Context(), filepath.Join(dir, tt.path))
			if result == nil || len(result.Jobs) > 0 || !diags.HasErrors() {
				t.Fatalf("result %v, diagnostics %v", result, diags)
			}
			got := text(t, diags)
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("message lacks %q:\n%s", want, got)
				}
			}
		})
	}
	if _, diags := testLoader(t, nil).LoadFiles(t.Context()); !diags.HasErrors() {
		t.Error("no paths at all: no error")
	}
}

// Two files with jobs of one name: the message stands at the second and names the first.
func TestJobNameTwiceAcrossFiles(t *testing.T) {
	_, diags := testLoader(t, nil).Load(t.Context(),
		hcl.Source{Name: "a.hcl", Data: goodFile("orders")},
		hcl.Source{Name: "b.hcl", Data: append([]byte("\n"), goodFile("orders")...)})
	if len(diags) != 1 || diags[0].File != "b.hcl" || diags[0].Line != 2 || !strings.Contains(diags[0].Detail, "a.hcl:1") {
		t.Errorf("diagnostics:\n%s", text(t, diags))
	}
}

// Files of Windows editors are read like any other.
func TestByteOrderMarkAndCarriageReturns(t *testing.T) {
	data := "\xEF\xBB\xBF" + strings.ReplaceAll(strings.Replace(goodJob, "BODY", "restrat = 1", 1), "\n", "\r\n")
	_, diags := testLoader(t, nil).Load(t.Context(), hcl.Source{Name: "a.hcl", Data: []byte(data)})
	if len(diags) != 1 || diags[0].Line != 8 || diags[0].Column != 3 || diags[0].Source != "  restrat = 1" {
		t.Errorf("diagnostics:\n%s", text(t, diags))
	}
}

func TestDiagnosticsJSON(t *testing.T) {
	_, diags := testLoader(t, nil).Load(t.Context(),
		hcl.Source{Name: "a.hcl", Data: []byte(strings.Replace(goodJob, "BODY", "restart = \"nevr\"", 1))})
	want := `[{"file":"a.hcl","line":8,"column":13,"end_line":8,"end_column":19,"severity":"error",` +
		`"summary":"unknown value \"nevr\" for restart","detail":"It takes \"after-ship\" or \"after-capture\".",` +
		`"source":"  restart = \"nevr\""}]`
	if diff := cmp.Diff(want, asJSON(t, diags)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	if got := asJSON(t, nil); got != "[]" {
		t.Errorf("no diagnostics are %s in JSON, want []", got)
	}
	var back hcl.Diagnostics
	if err := json.Unmarshal([]byte(want), &back); err != nil || back.Error() != `a.hcl:8:13: unknown value "nevr" for restart` {
		t.Errorf("Error() = %q, %v", back.Error(), err)
	}
}

// What only the provider could find out stands at the line that caused it.
func TestProviderDiagnostics(t *testing.T) {
	body := `target "object" "offsite" {
    bucket     = "b"
    secret_key = "s3cr3t"
    regions    = ["eu", "us"]
    tags       = { team = "db" }
  }`
	result, diags := testLoader(t, nil).Load(t.Context(),
		hcl.Source{Name: "a.hcl", Data: []byte(strings.Replace(goodJob, "BODY", body, 1))})
	if diags.HasErrors() {
		t.Fatal(text(t, diags))
	}
	ref := hcl.ProviderRef{Job: "orders", Kind: hcl.KindStorage, Label: "offsite"}
	got := result.ProviderDiagnostics(ref, []schema.Diagnostic{
		{Path: []string{"regions", "1"}, Summary: "no such region", Detail: "the region is closed"},
		{Path: []string{"secret_key"}, Summary: "key s3cr3t is refused", Detail: "the store said: s3cr3t?"},
		{Path: []string{"tags", "team"}, Summary: "bad tag"},
		{Path: []string{"timeout"}, Summary: "not set, so the block is named"},
	})
	golden(t, "testdata/provider_diagnostics.golden", text(t, got))
	if strings.Contains(text(t, got)+asJSON(t, got), "s3cr3t") {
		t.Error("a provider's message gave a secret away")
	}
	lost := result.ProviderDiagnostics(hcl.ProviderRef{Job: "nobody"}, []schema.Diagnostic{{Summary: "x"}})
	if len(lost) != 1 || lost[0].Line != 0 {
		t.Errorf("diagnostics of an unknown block: %+v", lost)
	}
	compress := hcl.ProviderRef{Job: "orders", Kind: hcl.KindCompress}
	if d := result.ProviderDiagnostics(compress, []schema.Diagnostic{{Summary: "x"}}); d[0].Line != 1 {
		t.Errorf("diagnostics of the default compressor are at line %d, want 1", d[0].Line)
	}
}

type brokenSchemas struct{}

func (brokenSchemas) Schema(context.Context, string, string) (*schema.Schema, error) {
	return nil, errors.New("start plugin: exit status 3")
}

func TestPluginThatDoesNotAnswer(t *testing.T) {
	for name, source := range map[string]hcl.SchemaSource{"broken": brokenSchemas{}, "none": nil} {
		loader := testLoader(t, nil)
		loader.Schemas = source
		_, diags := loader.Load(t.Context(), hcl.Source{Name: "a.hcl", Data: goodFile("orders")})
		if len(diags) != 2 || diags[1].Line != 7 || diags[1].Column != 10 { // the default compressor and the target
			t.Errorf("%s: diagnostics:\n%s", name, text(t, diags))
		}
	}
}

// R3.7: a provider that cannot be had is no reason not to bring MySQL back. Everything else in the file still is.
func TestLenient(t *testing.T) {
	loader := testLoader(t, nil)
	loader.Lenient = true
	src := strings.Replace(goodJob, "BODY", `target "lost" "far" { anything = 1 }`, 1)
	result, diags := loader.Load(t.Context(), hcl.Source{Name: "a.hcl", Data: []byte(src)})
	if diags.HasErrors() || len(diags) != 1 || !strings.Contains(text(t, diags), `unknown target provider "lost"`) {
		t.Errorf("diagnostics:\n%s", text(t, diags))
	}
	if len(result.Jobs) != 1 || len(result.Jobs[0].Targets) != 2 || result.Jobs[0].MySQL.DataDir != "/var/lib/mysql" {
		t.Errorf("jobs %+v", result.Jobs)
	}
	bad := strings.Replace(src, "user ", "usr ", 1)
	if _, diags := loader.Load(t.Context(), hcl.Source{Name: "a.hcl", Data: []byte(bad)}); !diags.HasErrors() {
		t.Error("a mistake was let through")
	}
}
