//go:build linux

package plugin_test

import (
	"errors"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

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
