package plugins_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv/install"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/notifytest"
)

// The suite starts this test binary as the agent whose death a plugin must notice.
func TestMain(m *testing.M) { conformance.Main(m, func() { os.Exit(1) }) }

const (
	pythonDir = "python-notify"
	topic     = "t0p1c-of-the-test"
	token     = "tk_s3cret-of-the-test"
)

// buildPython makes the plugin as its author would.
func buildPython(t *testing.T) string {
	t.Helper()
	if err := install.Install(t.Context(), install.Python, t.Output()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { // whatever the umask: a plugin directory that others can write is refused
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "drydock-notify-ntfy")
	cmd := exec.CommandContext(t.Context(), "make", "-C", pythonDir, "OUT="+binary)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, out)
	}
	return binary
}

// TestPython: the protocol is the contract, and not Go. A plugin in Python, without any SDK, passes the suite.
func TestPython(t *testing.T) {
	path := buildPython(t)
	binary := func(notifytest.T) conformance.Binary {
		return conformance.Binary{Kind: "notify", Name: "ntfy", Path: path, Env: []string{"PATH=/usr/bin:/bin"}}
	}
	receiver := func(t notifytest.T) notifytest.Receiver { return notifytest.NewHTTP(t, "Idempotency-Key") }
	config := func(address string) map[string]any {
		return map[string]any{"server": address, "topic": topic, "token": token, "timeout": "1s"}
	}
	notifytest.Run(t, notifytest.Subject{
		Receiver: receiver, Secrets: []string{token},
		Open:    notifytest.Spawned(binary, config),
		Process: notifytest.Process(binary, receiver, config),
	})
}

// TestPythonDiagnostics: all mistakes are told at once, each with the attribute that it belongs to.
func TestPythonDiagnostics(t *testing.T) {
	tests := map[string]struct {
		config string
		want   []string
	}{
		"nothing":       {`{}`, []string{"topic"}},
		"odd topic":     {`{"topic": "a/b"}`, []string{"topic"}},
		"odd server":    {`{"topic": "a", "server": "ftp://ntfy.sh"}`, []string{"server"}},
		"odd port":      {`{"topic": "a", "server": "http://ntfy.sh:many"}`, []string{"server"}},
		"odd token":     {`{"topic": "a", "token": "a\nb"}`, []string{"token"}},
		"no duration":   {`{"topic": "a", "timeout": "soon"}`, []string{"timeout"}},
		"zero timeout":  {`{"topic": "a", "timeout": "0s"}`, []string{"timeout"}},
		"endless":       {`{"topic": "a", "timeout": "9999w"}`, []string{"timeout"}},
		"three at once": {`{"topic": "", "server": "x", "timeout": "-1s"}`, []string{"topic", "server", "timeout"}},
		"fine":          {`{"topic": "a", "server": "https://ntfy.example.com/", "timeout": "1m30s"}`, nil},
	}
	path := buildPython(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := launch(t, path)
			diags, err := p.Configure(t.Context(), []byte(tt.config))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range diags {
				got = append(got, strings.Join(d.Path, "."))
			}
			if strings.Join(got, " ") != strings.Join(tt.want, " ") {
				t.Errorf("diagnostics %v; want them at %v", diags, tt.want)
			}
		})
	}
}

// TestPythonByHand: started by hand, a plugin says what it is instead of waiting for nobody.
func TestPythonByHand(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), buildPython(t))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "plugin of drydock") {
		t.Errorf("it printed %q and ended with %v", out, err)
	}
}

// TestPythonProtos: the copies of the protocol that the example carries are those that the SDK speaks.
func TestPythonProtos(t *testing.T) {
	for _, name := range []string{"provider.proto", "notify.proto"} {
		const dir = "drydock/plugin/v1"
		copied, err := os.ReadFile(filepath.Join(pythonDir, "proto", dir, name))
		if err != nil {
			t.Fatal(err)
		}
		original, err := os.ReadFile(filepath.Join("../../sdk/internal/proto", dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(copied, original) {
			t.Errorf("%s of %s differs from the SDK's: copy it anew", name, pythonDir)
		}
	}
}
