package host_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/internal/handshake"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// roleEnv tells this test binary that it is a provider, or an agent that is about to be killed.
const roleEnv = "DRYDOCK_TEST_ROLE"

// quickExit keeps providers that were built with the race detector from sleeping a second before they exit.
const quickExit = "GORACE=atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleEnv); role {
	case "":
		os.Exit(m.Run())
	case "storage":
		storage.Serve(storage.NewProvider("dir", "1.0.0", "A directory.", openDir))
	case "storage-no-pipe":
		_ = os.Unsetenv(handshake.LifelineEnv) // as on a platform where no pipe can be inherited
		storage.Serve(storage.NewProvider("dir", "1.0.0", "A directory.", openDir))
	case "storage-plain":
		storage.Serve(storage.NewProvider("dir", "1.0.0", "A directory.", openPlain))
	case "compress":
		compress.Serve(compress.NewProvider("flate", "1.0.0", "Deflate.", openFlate))
	case "zstd":
		compress.Serve(compress.NewProvider("zstd", "1.0.0", "Zstandard, fastest.", openZstd))
	case "notify":
		notify.Serve(notify.NewProvider("log", "1.0.0", "A log.", openLog))
	case "agent":
		beAgent()
	case "chatty":
		fmt.Println("hello from a library")
		notify.Serve(notify.NewProvider("log", "1.0.0", "A log.", openLog))
	case "crash":
		fmt.Fprintln(os.Stderr, "no license file")
		os.Exit(7)
	case "silent":
		time.Sleep(time.Hour)
	default:
		fmt.Fprintln(os.Stderr, "unknown role", role)
		os.Exit(2)
	}
	os.Exit(0)
}

// command starts this binary in a role.
func command(t testing.TB, role, kind, name string) host.Command {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return host.Command{
		Kind: kind, Name: name, Path: self, Env: []string{roleEnv + "=" + role, "PATH=" + os.Getenv("PATH"), quickExit},
		SocketDir: socketDir(t), Log: slog.New(slog.DiscardHandler),
	}
}

// socketDir is a short private directory. That it is empty at the end shows that nothing stale is left.
func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ddt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Errorf("socket directory is not empty: %v", err)
			_ = os.RemoveAll(dir)
		}
	})
	return dir
}

// start starts a provider and stops it at the end of the test.
func start(t testing.TB, c host.Command) *host.Process {
	t.Helper()
	p, err := host.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return p
}

func configure(t testing.TB, p *host.Process, config string) {
	t.Helper()
	diags, err := p.Configure(t.Context(), []byte(config))
	if err != nil || len(diags) > 0 {
		t.Fatalf("configure: %v %v", diags, err)
	}
}

// startStorage returns a configured storage provider that keeps its objects in dir.
func startStorage(t testing.TB, dir string) (*host.Process, storage.Storage) {
	t.Helper()
	p := start(t, command(t, "storage", "storage", "dir"))
	configure(t, p, fmt.Sprintf(`{"path": %q}`, dir))
	s, err := p.Storage()
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

// alive reports whether a process exists and is no zombie.
func alive(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(status), "\nState:\tZ")
}

// gone waits until a process has ended.
func gone(t *testing.T, pid int, within time.Duration) {
	t.Helper()
	for end := time.Now().Add(within); alive(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %d still lives after %s", pid, within)
		}
	}
}

// beAgent starts a provider, tells its process id and waits to be killed.
func beAgent() {
	self, err := os.Executable()
	if err == nil {
		var p *host.Process
		p, err = host.Start(context.Background(), host.Command{
			Kind: "storage", Name: "dir", Path: self, Env: []string{roleEnv + "=" + os.Getenv("PROVIDER")}, SocketDir: os.Getenv("SOCKETS"),
		})
		if err == nil {
			_, err = p.Configure(context.Background(), []byte(os.Getenv("CONFIG")))
			fmt.Println(p.PID())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	time.Sleep(time.Hour)
}

// sleeper starts a child that outlives its parent unless somebody kills it, and returns its process id.
func sleeper(dir string) error {
	c := exec.Command("sleep", "3600")
	c.Stderr = os.Stderr // holds the pipe open, as careless children do
	if err := c.Start(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "child.pid"), fmt.Append(nil, c.Process.Pid), 0o600)
}
