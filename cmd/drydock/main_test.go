package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestMain lets the test binary be drydock: under that name it runs the command line, so the tests drive real
// processes, and the agent finds its providers by re-executing itself as it does in production.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "drydock" {
		os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	if filepath.Base(os.Args[0]) == thirdParty {
		os.Exit(serveThirdParty(os.Args[1:]))
	}
	os.Exit(withBinary(m.Run))
}

// binaryDir is where the tests find drydock.
const binaryDir = "DRYDOCK_TEST_BINARY_DIR"

func withBinary(run func() int) int {
	dir, err := os.MkdirTemp("", "drydock-bin-*")
	if err == nil {
		defer os.RemoveAll(dir)
		err = errors.Join(os.Chmod(dir, 0o755), os.Setenv(binaryDir, dir),
			copySelf(filepath.Join(dir, "drydock")), copySelf(filepath.Join(dir, thirdParty)))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run()
}

func copySelf(path string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if os.Link(self, path) == nil {
		return nil
	}
	from, err := os.Open(self)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// result is how a command ended.
type result struct {
	code           int
	stdout, stderr string
}

// drydockCommand prepares a command line in a clean environment.
func drydockCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(os.Getenv(binaryDir), "drydock"), args...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(),
		"GORACE=atexit_sleep_ms=0"} // the race detector would have every process sleep for a second at its end
	return cmd
}

// drydock runs a command line to its end.
func drydock(t *testing.T, args ...string) result {
	t.Helper()
	return finish(t, drydockCommand(t, args...))
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	cmd.Stderr = &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	return result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// want fails the test when the command did not end with the exit code.
func (r result) want(t *testing.T, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// megabytes is how much data a test uses: a tenth of it under the race detector, where compressing takes ten times as
// long.
func megabytes(n int) int {
	if raceDetector {
		return max(n/10, 4)
	}
	return n
}
