package server

import (
	"context"
	"time"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
)

// sweepAll drops abandoned uploads, now and then, until ctx ends.
func (s *Server) sweepAll(ctx context.Context) {
	for {
		s.sweep(ctx)
		pause := min(time.Hour, max(s.config.Load().PartialTTL/10, wire.Heartbeat))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// sweep drops what nobody has touched for too long. What cannot be dropped is tried again next time.
func (s *Server) sweep(ctx context.Context) {
	dirs, err := s.unfinished(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.Warn("look for abandoned uploads", "error", err)
	}
	for _, dir := range dirs {
		if err := s.sweepDir(ctx, dir); err != nil && ctx.Err() == nil {
			s.log.Warn("drop abandoned uploads", "dir", dir, "error", err)
		}
	}
}

func (s *Server) sweepDir(ctx context.Context, dir string) error {
	store, err := s.clients.storeOf(dir)
	if err != nil {
		return err
	}
	since := time.Now().Add(-s.config.Load().PartialTTL)
	var old []string
	err = store.EachPartial(ctx, func(p Partial) error {
		if p.Touched.Before(since) {
			old = append(old, p.Token)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, token := range old {
		dropped, err := store.Expire(ctx, token, since)
		if err != nil {
			return err
		}
		if dropped {
			s.metrics.expired.Inc()
			s.log.Info("abandoned upload dropped", "dir", dir, "token", token)
			s.forget(store, token)
		}
	}
	return nil
}

// forget takes a dropped upload off the account of the client whose store it is.
func (s *Server) forget(store Store, token string) {
	for _, c := range s.clients.all() {
		if c.store == store {
			c.account.dropped(token)
		}
	}
}
