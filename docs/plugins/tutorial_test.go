// Package plugins_test runs what the plugin guide says.
package plugins_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// script turns a page into what a reader would do: its sh blocks are run, its blocks with file=NAME are written, in order.
func script(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("set -euo pipefail\n")
	blocks := regexp.MustCompile("(?ms)^```(\\w+)(?: file=(\\S+))?\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	for _, m := range blocks {
		language, file, body := m[1], m[2], m[3]
		switch {
		case file != "":
			fmt.Fprintf(&b, "cat > %s <<'END-OF-THE-FILE'\n%sEND-OF-THE-FILE\n", file, body)
		case language == "sh":
			b.WriteString(body)
		default:
			t.Errorf("%s has a block of %s that is neither run nor written", page, language)
		}
	}
	return b.String()
}

// TestTutorial does everything that the tutorial says, in its order, from nothing to a provider in use.
func TestTutorial(t *testing.T) {
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script(t, "tutorial.md"))
	cmd.Dir = t.TempDir()
	if err := os.Chmod(cmd.Dir, 0o755); err != nil { // whatever the umask: what others can write is not trusted
		t.Fatal(err)
	}
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(cmd.Environ(), "CHECKOUT="+checkout, "GOFLAGS=-buildvcs=false", "GOWORK=off")
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the tutorial does not work: %v\n%s", err, out)
	}
	t.Logf("it took %s", time.Since(began).Round(time.Second))
	for _, want := range []string{
		"the suite has found it",   // a mistake makes the suite fail
		"refused, as it should be", // a mistake in the job is found
		`Did you mean "priority"?`, // through the provider's own schema
		"mistake.hcl:16",           // at its line
		"Sends each event to a Gotify server.",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
}

// TestLinks: every relative link of the guide leads somewhere.
func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) < 3 {
		t.Fatalf("pages %q, error %v", pages, err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
