//go:build linux

package plugin_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/host"
)

// TestHealth kills a provider that hangs. The call that waits for it fails in a way that is tried again, and the next one
// finds a new process. One that answers stays.
func TestHealth(t *testing.T) {
	var log syncBuffer
	s := newShop(t)
	s.options.Health, s.options.Log = time.Second, slog.New(slog.NewTextHandler(&log, nil))
	h := s.host(t)
	store, err := h.Storage(t.Context(), sftp())
	must(t, err)
	first := h.Processes()[0].PID
	time.Sleep(2500 * time.Millisecond)
	if now := h.Processes(); len(now) != 1 || now[0].PID != first {
		t.Fatalf("a healthy provider was ended: %v", now)
	}
	must(t, syscall.Kill(first, syscall.SIGSTOP))
	testenv.Eventually(t, time.Minute, "the provider stands still", func() bool { return stopped(first) })
	_, err = store.Stat(t.Context(), "hostname")
	var exit *host.ExitError
	const why = "it did not answer 3 health checks in a row"
	if !errs.Is(err, errs.Transient) || !errors.As(err, &exit) || !strings.Contains(err.Error(), why) {
		t.Errorf("the call that waited: %v", err)
	}
	if _, err := store.Stat(t.Context(), "hostname"); err != nil || h.Processes()[0].PID == first {
		t.Errorf("the next call: %v %v", err, h.Processes())
	}
	if !strings.Contains(log.String(), "provider does not answer its health check") {
		t.Errorf("log:\n%s", &log)
	}
}

// stopped reports whether a process was stopped by a signal, all of its threads. See proc(5): PID (name) state ...
func stopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if i := bytes.LastIndexByte(stat, ')'); err != nil || i < 0 || !bytes.HasPrefix(stat[i:], []byte(") T")) {
			return false
		}
	}
	return len(threads) > 0
}
