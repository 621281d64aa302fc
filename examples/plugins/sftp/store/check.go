package store

import (
	"context"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Check logs in, writes, flushes and removes an upload, and asks for the free space. It leaves nothing behind.
func (s *Store) Check(ctx context.Context) (storage.Capacity, error) {
	result := make(chan storage.Capacity, 1)
	err := s.do(ctx, func(w *work) error {
		c, err := s.check(w)
		result <- c
		return err
	})
	if err != nil {
		return storage.Capacity{}, s.fail(err, "check")
	}
	return <-result, nil
}

func (s *Store) check(w *work) (storage.Capacity, error) {
	unknown := storage.Capacity{Free: -1, Total: -1}
	token := newToken()
	if err := s.begin(w, token, meta{Key: "check-" + token, ChunkSize: 1}); err != nil {
		return unknown, err
	}
	if err := w.step(); err != nil {
		return unknown, err
	}
	if err := w.removeUpload(token); err != nil {
		return unknown, err
	}
	_ = w.RemoveDirectory(w.at(staging)) // succeeds when nothing else is in it
	if !w.has(extSpace) {
		return unknown, nil
	}
	stat, err := w.StatVFS(w.base)
	if err != nil {
		return unknown, errs.Wrap(kindOf(err), err, "ask for the free space")
	}
	return storage.Capacity{Free: int64(stat.Bavail * stat.Frsize), Total: int64(stat.Blocks * stat.Frsize)}, nil
}
