package spool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// small creates a spool on a file system of so many KiB.
func small(t *testing.T, kib int) *spool.Spool {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", kib)); err != nil {
		t.Fatalf("mount a small file system: %v; run this test as root: sudo go test ./agent/spool", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s, err := spool.Create(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An artifact that is larger than the spool goes through while chunks leave it.
func TestFullDiskWaitsForShipping(t *testing.T) {
	noLeaks(t)
	s := small(t, 1024)
	emitted := make(chan spool.Chunk, 100)
	shipped := make(chan error)
	data := noise(5, 5<<20)
	var read []byte
	go func() {
		var err error
		for c := range emitted {
			time.Sleep(time.Millisecond) // slower than the writer
			got, readErr := readChunk(c)
			read = append(read, got...)
			err = errors.Join(err, readErr, s.Remove(c.Index))
		}
		shipped <- err
	}()
	w := s.Writer(t.Context(), 100<<10, func(c spool.Chunk) error { emitted <- c; return nil })
	_, err := w.Write(data)
	if err == nil {
		_, _, err = w.Finish()
	}
	close(emitted)
	if err = errors.Join(err, <-shipped); err != nil {
		t.Fatal(err)
	}
	if string(read) != string(data) {
		t.Error("other bytes came out than went in")
	}
}

func readChunk(c spool.Chunk) ([]byte, error) {
	if err := spool.Verify(context.Background(), c); err != nil {
		return nil, err
	}
	return os.ReadFile(c.Path)
}

func TestFullDiskEndsInAClearError(t *testing.T) {
	noLeaks(t)
	interrupted := errors.New("interrupted")
	for name, tc := range map[string]struct {
		inFlight int
		wait     time.Duration
		cancel   bool
		fails    bool // the targets fail while the writer waits
		want     string
	}{
		"nothing on its way":     {inFlight: 0, wait: time.Hour, want: "no chunk is on its way"},
		"targets stand still":    {inFlight: 3, wait: 30 * time.Millisecond, want: "no target took one of the 3 chunks"},
		"targets fail meanwhile": {inFlight: 3, wait: time.Hour, fails: true, want: "no chunk is on its way"},
		"context ends instead":   {inFlight: 3, wait: time.Hour, cancel: true, want: "interrupted"},
	} {
		t.Run(name, func(t *testing.T) {
			s := small(t, 512)
			s.SpaceWait = tc.wait
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			asked := 0
			s.InFlight = func() int {
				if tc.cancel {
					cancel(interrupted)
				}
				if asked++; tc.fails && asked > 1 {
					return 0
				}
				return tc.inFlight
			}
			w := s.Writer(ctx, 100<<10, ignore)
			_, err := w.Write(noise(1, 1<<20))
			_, _, again := w.Finish()
			if err == nil || !errors.Is(again, err) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("write: %v, finish: %v", err, again)
			}
			if tc.cancel {
				return
			}
			if !errs.Is(err, errs.NoSpace) || !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("kind %s of %v", errs.KindOf(err), err)
			}
			for _, part := range []string{s.Dir(), "bytes needed", "bytes free", "spool_dir"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

// Room that InFlight itself makes, by giving up chunks, is used.
func TestFullDiskUsesWhatInFlightGivesUp(t *testing.T) {
	s := small(t, 512)
	next := 0
	s.InFlight = func() int {
		if err := s.Remove(next); err != nil {
			t.Error(err)
		}
		next++
		return 0
	}
	w := s.Writer(t.Context(), 100<<10, ignore)
	_, err := w.Write(noise(1, 2<<20))
	if err == nil {
		_, _, err = w.Finish()
	}
	if err != nil || next == 0 {
		t.Errorf("%d given up: %v", next, err)
	}
}
