package mysql_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/mysql"
)

// opener starts a process that has a file of a directory open for writing until its input ends.
func opener(t *testing.T, dir string) (pid int, end io.Closer) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", `exec 3>>"$1"; echo open; read -r _`, "sh", filepath.Join(dir, "ibdata1"))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd.Process.Pid, in
}

// A server that is gone, and another process that stays at its data directory: that is told at once, and not waited for
// until the time is up.
func TestWaitFreeTakenOver(t *testing.T) {
	dir := t.TempDir()
	first, end := opener(t, dir)
	second, _ := opener(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := mysql.WaitFree(ctx, dir, first); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while the first one is there: %v", err)
	}
	if err := end.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := mysql.WaitFree(ctx, dir, first)
	var taken *mysql.TakenOverError
	if !errors.As(err, &taken) || taken.PID != second || taken.DataDir != dir {
		t.Errorf("once it is gone: %v; want process %d", err, second)
	}
}
