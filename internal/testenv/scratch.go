package testenv

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// reap waits until its standard input ends, kills every process whose command line names the directory, unmounts what is
// mounted below it (a small file system, a container's root) and removes it. The directory comes through the
// environment: on a command line the reaper would find itself.
const reap = `
while read -r _; do :; done
n=0
while [ $n -lt 200 ]; do
	found=
	for f in $(printf '%s/' "$REAP" | grep -lasFf /dev/stdin /proc/[0-9]*/cmdline); do
		p=${f#/proc/}; kill -9 "${p%/cmdline}" 2>/dev/null && found=1
	done
	[ -n "$found" ] || break
	n=$((n+1)); sleep 0.02
done
while read -r _ m _; do
	case $m in
	"$REAP"/*) umount -l "$m" 2>/dev/null && sleep 0.2 ;;
	esac
done </proc/mounts
[ ! -d "$REAP/upper" ] || find /sys/fs/cgroup/*/payload /sys/fs/cgroup/*/supervisor -depth -type d -exec rmdir {} + 2>/dev/null
rm -rf --one-file-system "$REAP"`

// longest is the longest directory name that leaves room for a socket: its path must stay below 108 bytes.
const longest = 90

// Dir returns a fresh directory that the user whom servers run as can reach, unlike t.TempDir's. At the end of the test,
// or of its process, whatever runs with the directory's name on its command line is killed and the directory removed.
func Dir(t testing.TB) string {
	t.Helper()
	return scratch(t, "")
}

func scratch(t testing.TB, parent string) string {
	t.Helper()
	if parent == "" {
		parent = os.TempDir()
	}
	if len(parent) > longest-20 {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "drydock-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", reap)
	cmd.Env = append(os.Environ(), "REAP="+dir, "LC_ALL=C")
	detach(cmd)
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start reaper: %v", err)
	}
	t.Cleanup(func() {
		_ = lifeline.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("reaper of %s: %v", dir, err)
		}
	})
	return dir
}

// Ports lie below the range from which the kernel picks ports for outgoing connections.
const (
	firstPort = 21000
	portRange = 9000
)

// freePort returns a port that stays this test's own until the test ends: a lock file keeps other test processes off
// it while its server is down.
func freePort(t testing.TB) int {
	t.Helper()
	cache, err := install.Cache()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "ports")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		port := firstPort + rand.IntN(portRange)
		l := flock.New(filepath.Join(dir, strconv.Itoa(port)))
		if ok, err := l.TryLock(); err != nil || !ok {
			continue
		}
		if !listens(t, port) {
			t.Cleanup(func() { _ = l.Close() })
			return port
		}
		_ = l.Close()
	}
	t.Fatalf("no free port from %d to %d", firstPort, firstPort+portRange)
	return 0
}

// listens reports whether something answers on a local port, or the port cannot be had.
func listens(t testing.TB, port int) bool {
	var c net.ListenConfig
	l, err := c.Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return true
	}
	_ = l.Close()
	return false
}

// Eventually calls f until it returns true, for at most limit; then the test fails with what.
func Eventually(t testing.TB, limit time.Duration, what string, f func() bool) {
	t.Helper()
	if !eventually(limit, f) {
		t.Fatalf("not within %s: %s", limit, what)
	}
}

// longestPause is between two calls of a condition.
const longestPause = 250 * time.Millisecond

// eventually calls f until it returns true, for at most limit, and reports whether it did. The longer that takes, the longer
// are the pauses: a call may start a process, and what it waits for needs the machine.
func eventually(limit time.Duration, f func() bool) bool {
	pause := 10 * time.Millisecond
	for deadline := time.Now().Add(limit); !f(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			return false
		}
		pause = min(pause*5/4, longestPause)
	}
	return true
}
