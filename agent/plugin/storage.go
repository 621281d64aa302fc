package plugin

import (
	"context"
	"io"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// store is a storage provider that survives the death of its process. The optional abilities are types of their own, so
// that a type assertion tells the truth.
type store struct{ *supervised[storage.Storage] }

type (
	checker  struct{ store }
	digester struct{ store }

	storeChecker struct {
		store
		checker
	}
	storeDigester struct {
		store
		digester
	}
	storeBoth struct {
		store
		checker
		digester
	}
)

func newStore(s *supervised[storage.Storage]) storage.Storage {
	base := store{s}
	_, check := s.value.(storage.Checker)
	_, digest := s.value.(storage.Digester)
	switch {
	case check && digest:
		return storeBoth{base, checker{base}, digester{base}}
	case check:
		return storeChecker{base, checker{base}}
	case digest:
		return storeDigester{base, digester{base}}
	}
	return base
}

// ReadsBack implements storage.ReadBacker. It is asked of the process that runs now; a restart does not change it.
func (s store) ReadsBack() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return storage.ReadsBack(s.value)
}

// Holds implements storage.Holder, as ReadsBack does.
func (s store) Holds() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := storage.HolderOf(s.value)
	return ok
}

// Hold keeps an object from being deleted.
func (s store) Hold(ctx context.Context, key string, h storage.Hold) error {
	to, err := s.get(ctx)
	if err != nil {
		return err
	}
	able, ok := storage.HolderOf(to)
	if !ok {
		return errs.New(errs.Unsupported, "hold %s: the provider does not hold objects", key)
	}
	return able.Hold(ctx, key, h)
}

// Begin opens an upload.
func (s store) Begin(ctx context.Context, up storage.Upload) (token string, err error) {
	to, err := s.get(ctx)
	if err != nil {
		return "", err
	}
	err = fault.Around("storage.begin", func() (err error) {
		token, err = to.Begin(ctx, up)
		return err
	})
	return token, err
}

// PutChunk stores one chunk.
func (s store) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	to, err := s.get(ctx)
	if err != nil {
		return err
	}
	return fault.Around("storage.put", func() error { return to.PutChunk(ctx, token, c) })
}

// ListChunks returns the chunks that have arrived.
func (s store) ListChunks(ctx context.Context, token string) (chunks []storage.ChunkInfo, err error) {
	to, err := s.get(ctx)
	if err != nil {
		return nil, err
	}
	err = fault.Around("storage.chunks", func() (err error) {
		chunks, err = to.ListChunks(ctx, token)
		return err
	})
	return chunks, err
}

// Commit makes the object visible.
func (s store) Commit(ctx context.Context, token string, size int64) error {
	to, err := s.get(ctx)
	if err != nil {
		return err
	}
	return fault.Around("storage.commit", func() error { return to.Commit(ctx, token, size) })
}

// Abort drops an upload.
func (s store) Abort(ctx context.Context, token string) error {
	to, err := s.get(ctx)
	if err != nil {
		return err
	}
	return fault.Around("storage.abort", func() error { return to.Abort(ctx, token) })
}

// ReadRange writes bytes of an object to w.
func (s store) ReadRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	to, err := s.get(ctx)
	if err != nil {
		return err
	}
	return fault.Around("storage.read", func() error { return to.ReadRange(ctx, key, offset, length, w) })
}

// Stat describes one object.
func (s store) Stat(ctx context.Context, key string) (object storage.Object, err error) {
	to, err := s.get(ctx)
	if err != nil {
		return storage.Object{}, err
	}
	err = fault.Around("storage.stat", func() (err error) {
		object, err = to.Stat(ctx, key)
		return err
	})
	return object, err
}

// List calls yield for every object under prefix.
func (s store) List(ctx context.Context, prefix string, yield func(storage.Object) error) error {
	to, err := s.get(ctx)
	if err != nil {
		return err
	}
	return to.List(ctx, prefix, yield)
}

// Delete removes one object.
func (s store) Delete(ctx context.Context, key string) error {
	to, err := s.get(ctx)
	if err != nil {
		return err
	}
	return to.Delete(ctx, key)
}

// Check tries what a run will need.
func (c checker) Check(ctx context.Context) (room storage.Capacity, err error) {
	to, err := c.get(ctx)
	if err != nil {
		return storage.Capacity{}, err
	}
	able, ok := to.(storage.Checker)
	if !ok {
		return storage.Capacity{}, errs.New(errs.Unsupported, "check: the provider has changed")
	}
	err = fault.Around("storage.check", func() (err error) {
		room, err = able.Check(ctx)
		return err
	})
	return room, err
}

// Digest digests a part of an object at the provider.
func (d digester) Digest(ctx context.Context, key string, offset, length int64) ([32]byte, error) {
	to, err := d.get(ctx)
	if err != nil {
		return [32]byte{}, err
	}
	able, ok := to.(storage.Digester)
	if !ok {
		return [32]byte{}, errs.New(errs.Unsupported, "digest: the provider has changed")
	}
	return able.Digest(ctx, key, offset, length)
}

// notifier is a notifier that survives the death of its process.
type notifier struct{ *supervised[notify.Notifier] }

// Send delivers one event.
func (n *notifier) Send(ctx context.Context, e notify.Event) error {
	to, err := n.get(ctx)
	if err != nil {
		return err
	}
	return fault.Around("plugin.notify", func() error { return to.Send(ctx, e) })
}
