package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// The names that Install takes.
const (
	MySQL   = "mysql"
	MariaDB = "mariadb"
	Tools   = "tools"
	Systemd = "systemd"
	Peers   = "peers"  // what the benchmarks compare with; no test needs it
	Movers  = "movers" // programs that move files, for a benchmark only; rest-server comes beside them
)

// Components lists every name in the order in which "all" installs them.
func Components() []string {
	return []string{Tools, MySQL, MariaDB, VersityGW, MinIO, Azurite, FakeGCS, Systemd}
}

// Names of the users that every template knows. Both may connect from anywhere; passwords are fixed, because the
// servers listen on loopback only and hold nothing but test rows.
const (
	RootPassword  = "root-of-the-test"
	AgentUser     = "drydock"
	AgentPassword = "s3cret-of-the-agent"
)

// CacheEnv names the environment variable that overrides the cache directory.
const CacheEnv = "DRYDOCK_TEST_CACHE"

// Cache returns the cache directory: $DRYDOCK_TEST_CACHE, else .cache/testenv beside the go.mod found above the
// working directory.
func Cache() (string, error) {
	if dir := os.Getenv(CacheEnv); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find test cache: %w", err)
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return filepath.Join(d, ".cache", "testenv"), nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("find test cache: no go.mod above %s; set %s", dir, CacheEnv)
		}
	}
}

// Command is what a person types to install a component.
func Command(component string) string {
	return "go run ./internal/testenv/cmd/testenv install " + component
}

// Install sets one component up, or says why it cannot. It is a no-op when the component is there. Progress goes to
// log, one line per step.
func Install(ctx context.Context, component string, log io.Writer) error {
	if all := append(Components(), Peers, Movers, RestServer, Python, Sealed, SSHD); !slices.Contains(all, component) {
		return fmt.Errorf("install %s: unknown component; there are %s", component, strings.Join(all, ", "))
	}
	cache, err := Cache()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return fmt.Errorf("create test cache: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(cache, component+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	switch component {
	case MySQL, MariaDB:
		p, err := prefixOf(cache, component)
		if err != nil {
			return err
		}
		return p.install(ctx, log)
	case Azurite:
		return installAzurite(ctx, cache, log)
	case VersityGW, MinIO, FakeGCS, RestServer:
		s, _ := sourceOf(component)
		return s.build(ctx, log, cache)
	default:
		return aptInstall(ctx, log, toolsOf(component))
	}
}

// lock takes an advisory lock that dies with the process. The wait ends with ctx.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	l := flock.New(path)
	ok, err := l.TryLockContext(ctx, 100*time.Millisecond)
	if err == nil && !ok {
		err = errors.New("held by another process")
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = l.Close() }, nil
}

// run executes a command and returns its output; the error carries the output's end.
func run(ctx context.Context, dir string, stdin io.Reader, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdin = dir, stdin
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", name, err, tail(string(out), 12))
	}
	return string(out), nil
}

// tail returns the last n lines of s.
func tail(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
