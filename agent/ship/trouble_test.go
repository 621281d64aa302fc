package ship_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// Targets count as failing when none of those that still lack something gets anything done, and no longer than that.
func TestFailingSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken, stuck atomic.Bool
		broken.Store(true)
		refuses := faulty{Storage: newDirStore(t), before: func(_ context.Context, op string, _ int) error {
			if op == "put" && broken.Load() {
				return errs.New(errs.Transient, "the disk is on fire")
			}
			return nil
		}}
		crawls := faulty{Storage: newDirStore(t), before: func(ctx context.Context, op string, i int) error {
			if op == "put" && i == 1 && stuck.Load() {
				time.Sleep(10 * time.Second)
			}
			return nil
		}}
		stuck.Store(true)
		s := start(t, ship.Options{Key: key, ChunkSize: chunkSize, Workers: 1}, target("refuses", refuses), target("crawls", crawls))
		if since := s.FailingSince(); !since.IsZero() {
			t.Errorf("before anything was sent: since %s", since)
		}
		begun := time.Now()
		capture(t, 2*chunkSize).offer(t, s)
		time.Sleep(5 * time.Second)
		if since := s.FailingSince(); !since.IsZero() {
			t.Errorf("while one target crawls: since %s", since)
		}
		time.Sleep(15 * time.Second) // it has all; the other one has nothing
		if since := s.FailingSince(); since.IsZero() || since.Sub(begun) > time.Second {
			t.Errorf("with one target left, that fails: %s after the begin", since.Sub(begun))
		}
		select {
		case <-s.Ended():
			t.Error("ended")
		default:
		}
		broken.Store(false)
		<-s.Ended()
		if since := s.FailingSince(); !since.IsZero() {
			t.Errorf("at the end: since %s", since)
		}
		for _, r := range s.Wait(t.Context()) {
			if r.Err != nil {
				t.Error(r.Err)
			}
		}
	})
}
