package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/host"
)

// serveEnv tells a test binary that it is the provider.
const serveEnv = "DRYDOCK_CONFORMANCE_SERVE"

// quickExit keeps a binary that was built with the race detector from sleeping for a second at its end.
const quickExit = "GORACE=atexit_sleep_ms=0"

// Binary says how a provider's process is started.
type Binary struct {
	Kind, Name string // what it must call itself
	Path       string // the executable
	Args       []string
	Env        []string // its whole environment
}

// Main is the TestMain of a provider package whose test binary serves as the provider's process: started by [Self] it
// serves, started by the case "orphan" it is the agent, else it runs the tests. serve may be nil when the provider is
// another program.
//
//	func TestMain(m *testing.M) { conformance.Main(m, func() { storage.Serve(mine.Provider()) }) }
func Main(m *testing.M, serve func()) {
	switch {
	case os.Getenv(agentEnv) != "":
		if err := PlayAgent(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case os.Getenv(serveEnv) != "" && serve != nil:
		serve()
	default:
		os.Exit(m.Run())
	}
	os.Exit(0)
}

// Self returns the running test binary as a provider. Its TestMain must call [Main].
func Self(t T, kind, name string) Binary {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatalf("find the test binary: %v", err)
	}
	env := []string{serveEnv + "=1", "TMPDIR=" + os.TempDir(), quickExit}
	return Binary{Kind: kind, Name: name, Path: path, Env: env}
}

// Start starts a provider's process and configures it. After the case it stops the process and demands that neither it
// nor anything in its socket directory is left.
func Start(t T, b Binary, config map[string]any) *host.Process {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatalf("encode the configuration: %v", err)
	}
	p := launch(t, b, nil)
	diags, err := p.Configure(t.Context(), text)
	if err != nil || len(diags) > 0 {
		t.Fatalf("configure the provider: %v %v", diags, err)
	}
	return p
}

// launch starts a provider's process and stops it after the case. With a log, secrets stay in what is logged and returned.
func launch(t T, b Binary, log *slog.Logger) *host.Process {
	t.Helper()
	p, err := host.Start(t.Context(), host.Command{
		Kind: b.Kind, Name: b.Name, Path: b.Path, Args: b.Args, Env: b.Env, SocketDir: socketDir(t),
		Log: log, ShowSecrets: log != nil,
	})
	if err != nil {
		t.Fatalf("start the provider: %v", err)
	}
	t.Cleanup(func() { stop(t, p) })
	return p
}

func stop(t T, p *host.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Errorf("stop the provider: %v", err)
	}
	select {
	case <-p.Done():
	default:
		t.Errorf("the provider's process %d is still there after it was stopped", p.PID())
	}
}

// Kill ends a provider's process at once and waits until it is gone.
func Kill(t T, p *host.Process) {
	t.Helper()
	process, err := os.FindProcess(p.PID())
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		t.Fatalf("kill the provider: %v", err)
	}
	select {
	case <-p.Done():
	case <-time.After(10 * time.Second):
		t.Fatalf("the provider is still there 10 s after it was killed")
	}
}

// shortTemp is the directory for socket directories: the path of a socket is limited to about 100 bytes.
func shortTemp() string {
	if dir := os.TempDir(); len(dir) <= 40 {
		return dir
	}
	return "/tmp"
}

// socketDir is a socket directory that must be empty after the provider has ended.
func socketDir(t T) string {
	t.Helper()
	dir, err := os.MkdirTemp(shortTemp(), "ddc")
	if err != nil {
		t.Fatalf("make a socket directory: %v", err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Errorf("the socket directory is not empty after the provider has ended: %v", err)
			_ = os.RemoveAll(dir)
		}
	})
	return dir
}

// Describe starts a provider's process and returns who it says it is. After the case it stops the process.
func Describe(t T, b Binary) host.Description {
	t.Helper()
	return launch(t, b, nil).Description()
}
