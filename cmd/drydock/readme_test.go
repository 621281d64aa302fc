package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// Every command line that the documentation shows exists, with its flags and its number of arguments.
func TestDocumentedCommands(t *testing.T) {
	for _, name := range documents(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range commandLines(string(text)) {
				if err := parses(line); err != nil {
					t.Errorf("$ %s: %v", strings.Join(line, " "), err)
				}
			}
		})
	}
}

// What the quick start of the README types, the demonstration types as well, in this order.
func TestDemoCoversTheQuickStart(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	demo, err := demoCommands(filepath.Join("..", "..", "internal", "demo"))
	if err != nil {
		t.Fatal(err)
	}
	start := commandLines(quickStart(string(readme)))
	if len(start) == 0 {
		t.Fatal("README.md has no console block with drydock commands below \"## Make a backup\"")
	}
	for _, line := range start {
		i := slices.Index(demo, line[1])
		if i < 0 {
			t.Errorf("$ %s: the demonstration does not show it, or not in this order", strings.Join(line, " "))
			continue
		}
		demo = demo[i+1:]
	}
}

// documents are the files whose console blocks are commands to be typed.
func documents(t *testing.T) []string {
	t.Helper()
	guides, err := filepath.Glob(filepath.Join("..", "..", "docs", "admin", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{filepath.Join("..", "..", "README.md")}, guides...)
}

// quickStart cuts the section "Make a backup" out of a document.
func quickStart(text string) string {
	_, text, _ = strings.Cut(text, "\n## Make a backup\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// commandLines returns the words after "$ " of each drydock command in a ```console block. Commands joined by && count
// one by one; a backslash at the end of a line goes on on the next; # begins a comment.
func commandLines(text string) [][]string {
	var found [][]string
	inside := false
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", "")) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			inside = line == "```console"
			continue
		}
		typed, isCommand := strings.CutPrefix(line, "$ ")
		if !inside || !isCommand {
			continue
		}
		typed, _, _ = strings.Cut(typed, " #")
		for part := range strings.SplitSeq(typed, "&&") {
			words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(part), "sudo "))
			if len(words) > 0 && words[0] == "drydock" {
				found = append(found, words)
			}
		}
	}
	return found
}

// parses looks a command line up as running it would, and runs nothing.
func parses(line []string) error {
	a := &app{version: "test", stdout: io.Discard, stderr: io.Discard}
	root := a.rootCommand()
	if len(line) > 1 && line[1] == "help" {
		root.InitDefaultHelpCmd()
	}
	cmd, rest, err := root.Find(line[1:])
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if cmd == root && len(cmd.Flags().Args()) > 0 {
		return fmt.Errorf("unknown command %q", cmd.Flags().Arg(0))
	}
	if asked, err := cmd.Flags().GetBool("help"); err == nil && asked || cmd.Flags().Changed("version") {
		return nil
	}
	return arguments(cmd)
}

func arguments(cmd *cobra.Command) error {
	if err := cmd.ValidateRequiredFlags(); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// demoCommands returns the subcommands that the demonstration types, from its source: calls of d.drydock("name", ...).
func demoCommands(dir string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, call := range strings.Split(string(text), `.drydock("`)[1:] {
			name, _, _ := strings.Cut(call, `"`)
			found = append(found, name)
		}
		return err
	})
	return found, err
}

// The helpers above find what they are for.
func TestReadingDocuments(t *testing.T) {
	const text = "# x\n$ drydock outside\n\n## Make a backup\n\n```console\n$ cd /etc # go there\n" +
		"$ drydock validate shop.hcl && drydock plan --file shop.hcl\nok\n" +
		"$ sudo drydock run \\\n    --file shop.hcl   # stops MySQL\n```\n\n```sh\n$ drydock no\n```\n\n" +
		"## More\n\n```console\n$ drydock runs\n```\n"
	want := [][]string{
		{"drydock", "validate", "shop.hcl"}, {"drydock", "plan", "--file", "shop.hcl"}, {"drydock", "run", "--file", "shop.hcl"},
		{"drydock", "runs"},
	}
	if d := cmp.Diff(want, commandLines(text)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want[:3], commandLines(quickStart(text))); d != "" {
		t.Error(d)
	}
	for line, ok := range map[string]bool{
		"drydock validate shop.hcl": true, "drydock": true, "drydock --version": true, "drydock run --help": true,
		"drydock help run":                           true,
		"drydock plan --file shop.hcl --data-dir /x": true, "drydock plugin list --json": true,
		"drydock validate": false, "drydock backup": false, "drydock run --fast": false, "drydock plan a b": false,
		"drydock verify": false, "drydock restore latest": true,
	} {
		if err := parses(strings.Fields(line)); (err == nil) != ok {
			t.Errorf("%s: %v", line, err)
		}
	}
}
