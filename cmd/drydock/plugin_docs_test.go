package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent/plugin"
	"github.com/drydock-backup/drydock/hcl"
)

const docsDir = "../../docs/providers"

func readAll(t *testing.T, dir string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(name)] = string(text)
	}
	return texts
}

// TestProviderExamplesAreValid puts every example block of docs/providers into a job, which must load without a word, and
// be laid out already.
func TestProviderExamplesAreValid(t *testing.T) {
	h, err := plugin.NewHost(plugin.Options{Self: os.Args[0], Builtins: builtins()})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(t.Context())
	loader := &hcl.Loader{
		Schemas:  h,
		ReadFile: func(string) ([]byte, error) { return []byte("https://hooks.example.com/secret\n"), nil },
		Getenv:   func(string) (string, bool) { return "/run/credentials/drydock.service", true },
	}
	blocks := 0
	for file, text := range readAll(t, docsDir) {
		for _, m := range regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllStringSubmatch(text, -1) {
			blocks++
			job := exampleJob(m[1])
			_, diags := loader.Load(t.Context(), hcl.Source{Name: file, Data: []byte(job)})
			if len(diags) > 0 {
				var b bytes.Buffer
				_ = diags.WriteText(&b, false, 100)
				t.Errorf("%s: the example is not valid:\n%s", file, b.String())
			}
			if formatted, _ := hcl.Format([]byte(m[1]), file); string(formatted) != m[1] {
				t.Errorf("%s: drydock fmt would change the example to\n%s", file, formatted)
			}
		}
	}
	if blocks < len(providers()) {
		t.Errorf("%d examples for %d providers", blocks, len(providers()))
	}
}

// exampleJob is a job with a block of a provider, and a target unless the block is one.
func exampleJob(block string) string {
	target := `target "file" "nas" { path = "/mnt/nas/backups" }`
	if strings.HasPrefix(block, "target ") {
		target = ""
	}
	return `job "example" {
  mysql {
    user     = "drydock"
    password = credential("mysql")
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
` + target + "\n" + block + "}\n"
}

func TestPluginDocsUsage(t *testing.T) {
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"built in", []string{"storage", "file"}, exitDone, "# storage `file`"},
		{"unknown", []string{"storage", "tape"}, exitUsage, `no storage provider "tape" is built in; there are: storage file`},
		{"no argument", nil, exitUsage, "needs KIND and NAME, or BINARY"},
		{"missing binary", []string{"./drydock-storage-nothing"}, exitUsage, "no such file"},
		{"unnamed binary", []string{os.Args[0]}, exitUsage, "say --kind and --name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := drydock(t, append([]string{"plugin", "docs"}, tt.args...)...).want(t, tt.code)
			if !strings.Contains(r.stdout+r.stderr, tt.says) {
				t.Errorf("want %q in\n%s%s", tt.says, r.stdout, r.stderr)
			}
		})
	}
}
