package hcl_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/hcl"
)

// exampleLoader reads a made-up secret wherever an example names one.
func exampleLoader(t *testing.T) *hcl.Loader {
	loader := testLoader(t, map[string]string{"CREDENTIALS_DIRECTORY": "/run/credentials/drydock.service"})
	getenv := loader.Getenv
	loader.Getenv = func(name string) (string, bool) {
		if value, ok := getenv(name); ok {
			return value, true
		}
		return "secret", strings.HasSuffix(name, "PASSWORD")
	}
	loader.ReadFile = func(path string) ([]byte, error) {
		if strings.HasPrefix(path, "/etc/drydock/") || strings.HasPrefix(path, "/run/credentials/drydock.service/") {
			return []byte("correct horse battery staple\n"), nil
		}
		return nil, os.ErrNotExist
	}
	return loader
}

// TestExamples holds the layout of the examples; examples/jobs loads them with the schemas of the real providers.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../examples/jobs/*.hcl")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %d examples, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if formatted, _ := hcl.Format(data, file); string(formatted) != string(data) {
				t.Error("is not in canonical layout")
			}
		})
	}
}

// TestDocumentation loads every HCL block of the reference: whole jobs as they are, parts of a job inside of one.
func TestDocumentation(t *testing.T) {
	doc, err := os.ReadFile("../docs/job-language.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllStringSubmatch(string(doc), -1)
	if len(blocks) < 9 {
		t.Fatalf("found %d HCL blocks in the reference", len(blocks))
	}
	for _, m := range blocks {
		src := asJob(m[1])
		if _, diags := exampleLoader(t).Load(t.Context(), hcl.Source{Name: "docs.hcl", Data: []byte(src)}); len(diags) > 0 {
			t.Errorf("%s\n%s", src, text(t, diags))
		}
		if formatted, _ := hcl.Format([]byte(m[1]), "docs.hcl"); string(formatted) != m[1] {
			t.Errorf("is not in canonical layout:\n%s", m[1])
		}
	}
}

// TestAdminDocumentation parses the agent files and lock files of the admin's guide.
func TestAdminDocumentation(t *testing.T) {
	parsed := 0
	for _, file := range []string{"../docs/admin/agent-file.md", "../docs/admin/plugins.md"} {
		doc, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllStringSubmatch(string(doc), -1) {
			parsed++
			src := hcl.Source{Name: file, Data: []byte(m[1])}
			_, diags := exampleLoader(t).ParseAgentFile(src)
			if strings.HasPrefix(m[1], "# drydock.lock.hcl\n") {
				_, diags = hcl.ParseLockFile(src)
			}
			if formatted, _ := hcl.Format(src.Data, file); len(diags) > 0 || string(formatted) != m[1] {
				t.Errorf("not good, or not in canonical layout:\n%s\n%s", m[1], text(t, diags))
			}
		}
	}
	if parsed < 3 {
		t.Errorf("found only %d files", parsed)
	}
}

// TestAgentDocumentation wants every word of the agent file in its reference.
func TestAgentDocumentation(t *testing.T) {
	doc, err := os.ReadFile("../docs/admin/agent-file.md")
	if err != nil {
		t.Fatal(err)
	}
	_, diags := agentLoader(t).ParseAgentFile(hcl.Source{Name: "a.hcl", Data: []byte("zzz {}\nagent { zzz = 1 }\nlog { zzz = 1 }\nqueue { zzz = 1 }")})
	words := regexp.MustCompile("`[a-z_]+").FindAllString(string(doc), -1)
	found := 0
	for _, d := range diags {
		_, list, _ := strings.Cut(d.Detail, " the ")
		for _, word := range regexp.MustCompile(`[a-z_]+`).FindAllString(list, -1) {
			if strings.Contains(" and attributes blocks ", " "+word+" ") {
				continue
			}
			found++
			if !slices.Contains(words, "`"+word) {
				t.Errorf("the reference lacks %q", word)
			}
		}
	}
	if found != 14 {
		t.Errorf("found %d words of the language", found)
	}
}

// asJob completes a part of a job with what it lacks.
func asJob(part string) string {
	if strings.HasPrefix(part, "job ") {
		return part
	}
	src := "job \"docs\" {\n" + part
	if !strings.HasPrefix(part, "mysql ") {
		src += "mysql {\n user = \"u\"\n data_dir = \"/d\"\n service \"systemd\" { unit = \"m.service\" }\n}\n"
	}
	if !strings.HasPrefix(part, "target ") {
		src += "target \"file\" \"docs\" { path = \"/p\" }\n"
	}
	return src + "}\n"
}

// TestDocumentationIsComplete wants every word of the language in the reference, so that none is added without it.
func TestDocumentationIsComplete(t *testing.T) {
	doc, err := os.ReadFile("../docs/job-language.md")
	if err != nil {
		t.Fatal(err)
	}
	_, diags := testLoader(t, nil).Load(t.Context(), hcl.Source{Name: "a.hcl", Data: []byte(`job "a" {
  zzz = 1
  mysql { zzz = 1 }
  artifact { zzz = qqq() }
  restart = qqq()
}`)})
	words := 0
	for _, d := range diags {
		m := regexp.MustCompile(`(?:has|functions are) ([a-z_, ]+)\.`).FindStringSubmatch(d.Detail)
		if m == nil {
			continue
		}
		for _, word := range regexp.MustCompile(`[a-z_]+`).FindAllString(m[1], -1) {
			if strings.Contains(" the and attribute attributes block blocks ", " "+word+" ") {
				continue
			}
			words++
			if !regexp.MustCompile("`"+word+"[`(]").Match(doc) && !strings.Contains(string(doc), "\n### "+word) {
				t.Errorf("the reference lacks %q", word)
			}
		}
	}
	if words < 29 {
		t.Errorf("found only %d words of the language", words)
	}
}
