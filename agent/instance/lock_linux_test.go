package instance_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/instance"
)

// holds is the environment variable that makes TestLockDataDir the process that holds the lock.
const holds = "DRYDOCK_TEST_HOLDS"

func holdLock(t *testing.T, dir string) {
	l, err := instance.LockDataDir(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("locked")
	time.Sleep(time.Hour)               // until it is killed
	if err := l.Release(); err != nil { // what is used later is not collected, and so not closed, before
		t.Error(err)
	}
}

// holder starts a process that holds the lock of a data directory.
func holder(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestLockDataDir$")
	cmd.Env = append(os.Environ(), holds+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd
}

// One run at a time on a data directory. The holder is named, and a killed holder leaves nothing behind.
func TestLockDataDir(t *testing.T) {
	if dir := os.Getenv(holds); dir != "" {
		holdLock(t, dir)
	}
	dir := t.TempDir()
	other := holder(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := instance.LockDataDir(ctx, dir)
	if !errors.Is(err, instance.ErrLocked) || !strings.Contains(err.Error(), strconv.Itoa(other.Process.Pid)) ||
		!strings.Contains(err.Error(), dir) {
		t.Errorf("second taker: %v; want process %d named", err, other.Process.Pid)
	}
	time.AfterFunc(200*time.Millisecond, func() { _ = other.Process.Kill() })
	l, err := instance.LockDataDir(t.Context(), dir)
	if err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	if _, err := instance.LockDataDir(ctx, dir); !errors.Is(err, instance.ErrLocked) {
		t.Errorf("second taker in the same process: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	holder(t, dir)
	if _, err := instance.LockDataDir(t.Context(), t.TempDir()); err != nil {
		t.Errorf("another data directory: %v", err)
	}
	if _, err := instance.LockDataDir(t.Context(), dir+"/gone"); err == nil || errors.Is(err, instance.ErrLocked) {
		t.Errorf("missing data directory: %v", err)
	}
}
