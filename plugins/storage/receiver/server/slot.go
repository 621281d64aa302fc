package server

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
)

// slot waits for the client's and then for the server's turn to move bytes, and returns the function that gives both
// back. Who waits first is served first, and a client that waits for itself keeps nobody else waiting. Meanwhile the
// client hears that it is not forgotten.
func (c *call) slot() (release func(), err error) {
	ctx := c.r.Context()
	for _, s := range []*semaphore.Weighted{c.terms.transfers, c.s.slots} {
		if err := c.acquire(ctx, s); err != nil {
			if s == c.s.slots {
				c.terms.transfers.Release(1)
			}
			return nil, err
		}
	}
	c.s.metrics.transfers.Inc()
	return func() {
		c.s.metrics.transfers.Dec()
		c.s.slots.Release(1)
		c.terms.transfers.Release(1)
	}, nil
}

// acquire takes one of s, and sends 102 Processing while it waits.
func (c *call) acquire(ctx context.Context, s *semaphore.Weighted) error {
	if s.TryAcquire(1) {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	got := make(chan error, 1)
	go func() { got <- s.Acquire(ctx, 1) }() // ends with ctx, and is waited for
	tick := time.NewTicker(wire.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case err := <-got:
			return err
		case <-tick.C:
			c.w.patient(wire.Heartbeat)
			c.w.WriteHeader(http.StatusProcessing)
			_ = c.w.control.SetWriteDeadline(time.Time{})
		}
	}
}
