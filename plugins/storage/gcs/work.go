package gcs

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// atOnce is how many small requests are under way at the same time.
const atOnce = 8

// work runs small requests side by side and ends with the first that fails.
type work struct {
	ctx   context.Context
	group *errgroup.Group
}

func newWork(ctx context.Context) *work {
	w := &work{}
	w.group, w.ctx = errgroup.WithContext(ctx)
	w.group.SetLimit(atOnce)
	return w
}

// do starts f as soon as there is room. It returns an error once the work has failed.
func (w *work) do(f func() error) error {
	w.group.Go(f)
	return w.ctx.Err()
}

// wait waits for all.
func (w *work) wait() error { return w.group.Wait() }
