package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/host"
)

// serveEnv tells a test binary that it is the provider.
const serveEnv = "DRYDOCK_CONFORMANCE_SERVE"

// Binary says how a provider's process is started.
type Binary struct {
	Kind, Name string // what it must call itself
	Path       string // the executable
	Args       []string
	Env        []string // its whole environment
}

// Main is the TestMain of a provider package whose test binary serves as the provider's process: started by [Self] it
// serves, else it runs the tests.
//
//	func TestMain(m *testing.M) { conformance.Main(m, func() { storage.Serve(mine.Provider()) }) }
func Main(m *testing.M, serve func()) {
	if os.Getenv(serveEnv) == "" {
		os.Exit(m.Run())
	}
	serve()
	os.Exit(0)
}

// Self returns the running test binary as a provider. Its TestMain must call [Main].
func Self(t T, kind, name string) Binary {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatalf("find the test binary: %v", err)
	}
	return Binary{Kind: kind, Name: name, Path: path, Env: []string{serveEnv + "=1", "TMPDIR=" + os.TempDir()}}
}

// Start starts a provider's process and configures it. After the case it stops the process and demands that neither it
// nor anything in its socket directory is left.
func Start(t T, b Binary, config map[string]any) *host.Process {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatalf("encode the configuration: %v", err)
	}
	p, err := host.Start(t.Context(), host.Command{
		Kind: b.Kind, Name: b.Name, Path: b.Path, Args: b.Args, Env: b.Env, SocketDir: socketDir(t),
	})
	if err != nil {
		t.Fatalf("start the provider: %v", err)
	}
	t.Cleanup(func() { stop(t, p) })
	diags, err := p.Configure(t.Context(), text)
	if err != nil || len(diags) > 0 {
		t.Fatalf("configure the provider: %v %v", diags, err)
	}
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

// socketDir is short, because the path of a socket is limited to about 100 bytes.
func socketDir(t T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ddc")
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

// Resident returns the resident memory of a process in bytes; 0 where the system does not tell (only Linux does).
func Resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, found := bytes.Cut(text, []byte("\nVmRSS:"))
	fields := bytes.Fields(rest)
	if !found || len(fields) == 0 {
		return 0
	}
	kb, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}
