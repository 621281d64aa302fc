package plugin

import (
	"context"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/host"
)

// A provider that dies again and again is given up.
const (
	maxRestarts   = 5
	restartWindow = 10 * time.Minute
	firstPause    = 100 * time.Millisecond // doubles with every restart in the window
)

// supervised is a provider of interface T that is started again when its process has died.
type supervised[T any] struct {
	host     *Host
	kind     string
	provider job.Provider
	client   func(*host.Process) (T, error)

	mu       sync.Mutex // held during a start: other calls wait for it
	process  *host.Process
	value    T
	restarts []time.Time // within the window
}

// supervise starts a provider for the first time.
func supervise[T any](
	ctx context.Context, h *Host, kind string, p job.Provider, client func(*host.Process) (T, error),
) (*supervised[T], error) {
	s := &supervised[T]{host: h, kind: kind, provider: p, client: client}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *supervised[T]) start(ctx context.Context) error {
	process, err := s.host.launch(ctx, s.kind, s.provider)
	if err != nil {
		return err
	}
	s.process = process
	s.value, err = s.client(process)
	return err
}

// get returns the running provider, and starts it again if it has died.
func (s *supervised[T]) get(ctx context.Context) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.process.Done():
	default:
		return s.value, nil
	}
	died := s.process.Err()
	if died == nil {
		return s.value, nil // stopped on purpose: the call says so
	}
	if err := s.pause(ctx, died); err != nil {
		return s.value, err
	}
	s.host.options.Log.Warn("provider is started again", "kind", s.kind, "provider", title(s.provider), "restart", len(s.restarts))
	return s.value, s.start(ctx)
}

// pause waits before a restart, the longer the more restarts there were, and refuses when there were too many.
func (s *supervised[T]) pause(ctx context.Context, died error) error {
	now := time.Now()
	for len(s.restarts) > 0 && now.Sub(s.restarts[0]) > restartWindow {
		s.restarts = s.restarts[1:]
	}
	if len(s.restarts) >= maxRestarts {
		return errs.Wrap(errs.Permanent, died, "given up after %d restarts in %s", maxRestarts, restartWindow)
	}
	timer := time.NewTimer(firstPause << len(s.restarts))
	defer timer.Stop()
	s.restarts = append(s.restarts, now)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
