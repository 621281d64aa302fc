package service_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/service"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// A launch under way is not followed by a second one, from this or another process, until it has ended, has had
// its time, or half of the caller's time is up (R3.7).
func TestLaunchUnderWay(t *testing.T) {
	tests := []struct {
		name     string
		end      bool          // the first start command ends
		patience time.Duration // of the second
		limit    time.Duration // of the second's context
	}{
		{"ends", true, time.Hour, time.Hour},
		{"has had its time", false, 500 * time.Millisecond, time.Hour},
		{"half of the time is up", false, time.Hour, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			first := launcher(t, dir, 0)
			if err := first.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			second := launcher(t, dir, tt.patience)
			ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
			defer cancel()
			if err := launcher(t, dir, time.Hour).Start(t.Context()); !errors.Is(err, service.ErrUnderWay) {
				t.Fatalf("start beside a launch: %v", err)
			}
			if tt.end {
				first.(service.Launcher).Abandon()
			}
			testenv.Eventually(t, time.Minute, "the second one is launched", func() bool {
				err := second.Start(ctx)
				if err != nil && !errors.Is(err, service.ErrUnderWay) {
					t.Fatal(err)
				}
				return err == nil
			})
		})
	}
}

// Without a place for the lock, the server is started all the same.
func TestLaunchWithoutLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := launcher(t, dir, 0).Start(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// launcher is a Manager whose start command lives for an hour, or until the test ends.
func launcher(t *testing.T, dir string, patience time.Duration) service.Manager {
	t.Helper()
	m, err := service.New(job.Service{Kind: job.ServiceExec, Start: shell("exec sleep 3600")},
		service.Options{LogDir: dir, Name: "orders", StartWindow: 50 * time.Millisecond, LaunchPatience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if pid := m.(service.Launcher).Launched(); pid != 0 {
			_ = syscall.Kill(-pid, syscall.SIGKILL)
		}
	})
	return m
}
