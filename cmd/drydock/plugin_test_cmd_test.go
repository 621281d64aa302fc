package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/conformance"
)

// TestPluginTestBuiltins holds the process of every built-in provider, spawned from the real binary, to what is demanded of
// all, and to the bar of 30 MiB of its own. The rest of the suites is run by the providers' own tests. A new
// provider says here how it is configured.
func TestPluginTestBuiltins(t *testing.T) {
	t.Parallel()
	flags := map[string][]string{
		"storage file": {"--set", "path={dir}"},
		"storage azure": {"--set", "account=acme", "--set", "container=backups", "--set", "endpoint=http://127.0.0.1:1",
			"--set", "account_key=c2VjcmV0LXNlY3JldC1zZWNyZXQ="},
		"storage s3": {"--set", "bucket=backups", "--set", "region=eu-central-1", "--set", "endpoint=http://127.0.0.1:1",
			"--set", "access_key=acme", "--set", "secret_key={secret}"},
		"storage receiver": receiverFlags(t),
		"storage gcs":      {"--set", "bucket=backups", "--set", "endpoint=http://127.0.0.1:1"},
		"compress zstd":    {"--set", "level=fastest"},
		"compress deflate": nil,
		"compress store":   nil,
		"notify webhook":   {"--set", "url={address}/{secret}", "--set", "secret={secret}", "--set", "timeout=1s"},
	}
	var names []string
	for _, c := range conformance.Cases(conformance.Provider{}) {
		names = append(names, c.Name)
	}
	for _, b := range builtins() {
		t.Run(b.Kind+" "+b.Name, func(t *testing.T) {
			more, known := flags[b.Kind+" "+b.Name]
			if !known {
				t.Fatal("this test does not know how to configure the provider")
			}
			args := append([]string{b.Kind, b.Name, "--run", "^(" + strings.Join(names, "|") + ")$"}, more...)
			rows := wantPass(t, args, len(names))
			cost := rows["footprint"].Detail
			if runtime.GOOS == "linux" && !strings.Contains(cost, "memory of its own") {
				t.Errorf("the report does not tell the cost: %q", cost)
			}
			// The time to start decides nothing here: the machine may be busy.
			if large := regexp.MustCompile("memory of its own: .* is above the bar").FindString(cost); large != "" && !raceDetector {
				t.Error(large)
			}
			t.Log(rows["footprint"].Detail)
		})
	}
}

// receiverFlags configures the target of a receiver that is down.
func receiverFlags(t *testing.T) []string {
	t.Helper()
	var flags []string
	for name, value := range testenv.ReceiverDown(t, testenv.ReceiverSettings{}).Enroll(t, "suite") {
		flags = append(flags, "--set", fmt.Sprintf("%s=%v", name, value))
	}
	return flags
}

// A provider that does not start is told so, as one failed case.
func TestPluginTestBrokenProvider(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "drydock-notify-chatty")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\necho welcome\nsleep 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := drydock(t, "plugin", "test", binary).want(t, exitFailed)
	for _, part := range []string{"FAIL  clean-stdout", `it printed "welcome" on standard output before the handshake`, "1 failed"} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("the report lacks %q:\n%s", part, r.stdout)
		}
	}
}

// Cases that cannot run are named together with what they would need.
func TestPluginTestLeavesOut(t *testing.T) {
	args := []string{"plugin", "test", "notify", "webhook", "--set", "url=http://127.0.0.1:9/x", "--run", "^(health|delivers)$"}
	r := drydock(t, args...).want(t, exitDone)
	for _, part := range []string{"pass  health", "skip  delivers", "{address}", "1 passed, 0 failed, 1 left out"} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("the report lacks %q:\n%s", part, r.stdout)
		}
	}
}

func TestPluginTestReadsJSON(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(config, fmt.Appendf(nil, `{"path": "{dir}", "mode": "0640"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	drydock(t, "plugin", "test", "storage", "file", "--config", config, "--run", "^one-byte$").want(t, exitDone)
	cmd := drydockCommand(t, "plugin", "test", "storage", "file", "--config", "-", "--run", "^one-byte$")
	cmd.Stdin = strings.NewReader(`{"path": "{dir}"}`)
	finish(t, cmd).want(t, exitDone)
}

func TestPluginTestUsage(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"missing attribute", []string{"storage", "file"}, `missing attribute "path"`},
		{"unknown attribute", []string{"compress", "zstd", "--set", "lvl=x"}, `unknown attribute "lvl"`},
		{"wrong value", []string{"compress", "zstd", "--set", "level=most"}, `"most" is not allowed`},
		{"no value", []string{"compress", "zstd", "--set", "level"}, "write NAME=VALUE"},
		{"no such file", []string{"compress", "zstd", "--config", filepath.Join(dir, "none")}, "no such file"},
		{"directory", []string{dir}, "is a directory"},
		{"expression", []string{"compress", "zstd", "--run", "("}, "--run"},
		{"no case", []string{"compress", "zstd", "--run", "^nothing$"}, "no case has such a name"},
		{"chunk size", []string{"storage", "file", "--set", "path={dir}", "--chunk-size", "1"}, "--chunk-size"},
		{"kind", []string{"tape", "x"}, "no tape provider"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := drydock(t, append([]string{"plugin", "test"}, tt.args...)...).want(t, exitUsage)
			if !strings.Contains(r.stderr, tt.says) {
				t.Errorf("want %q in %s", tt.says, r.stderr)
			}
		})
	}
}
