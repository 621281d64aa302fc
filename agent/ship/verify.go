package ship

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Verify compares an object at a target with the digests of its chunks; only Length and SHA256 of the chunks count.
// The bytes come from the target, several chunks at a time. It looks at every chunk, and names all that differ in one
// errs.Corrupt error. Of o it uses Workers, Retry, Log and Progress (bytes compared so far).
func Verify(ctx context.Context, t Target, key string, chunks []spool.Chunk, o Options) error {
	o = o.withDefaults()
	v := &verification{o: o, t: t, key: key}
	if err := v.size(ctx, chunks); err != nil {
		return targetError(t, "read back "+key, err)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(o.Workers)
	var offset int64
	for _, c := range chunks {
		at := offset
		offset += c.Length
		g.Go(func() error { return v.chunk(gctx, c, at) })
	}
	if err := g.Wait(); err != nil {
		return targetError(t, "read back "+key, err)
	}
	return targetError(t, "read back "+key, v.damage())
}

type verification struct {
	o   Options
	t   Target
	key string

	mu    sync.Mutex
	bytes int64
	bad   []int
}

// size compares the object's size first: it is cheap, and the chunks say nothing of bytes behind the last one.
func (v *verification) size(ctx context.Context, chunks []spool.Chunk) error {
	var want int64
	for _, c := range chunks {
		want += c.Length
	}
	var obj storage.Object
	err := v.o.call(ctx, v.t, "stat "+v.key, 0, func(ctx context.Context) (err error) {
		obj, err = v.t.Storage.Stat(ctx, v.key)
		return err
	})
	if err == nil && obj.Size != want {
		return errs.New(errs.Corrupt, "%d bytes, %d were sent", obj.Size, want)
	}
	return err
}

func (v *verification) chunk(ctx context.Context, c spool.Chunk, offset int64) error {
	op := fmt.Sprintf("read back chunk %d", c.Index)
	var got [32]byte
	err := v.o.call(ctx, v.t, op, c.Length, func(ctx context.Context) (err error) {
		got, err = digest(ctx, v.t.Storage, v.key, offset, c.Length)
		return err
	})
	v.mu.Lock()
	defer v.mu.Unlock()
	if errs.Is(err, errs.Corrupt) || err == nil && got != c.SHA256 {
		v.bad = append(v.bad, c.Index)
		return nil
	}
	if err != nil {
		return errs.Wrap(errs.KindOf(err), err, "chunk %d", c.Index)
	}
	v.bytes += c.Length
	if v.o.Progress != nil {
		v.o.Progress(v.t.Label, v.bytes)
	}
	return nil
}

// damage names the chunks that differ, the first few by number.
func (v *verification) damage() error {
	const named = 8
	if len(v.bad) == 0 {
		return nil
	}
	slices.Sort(v.bad)
	list := strings.ReplaceAll(strings.Trim(fmt.Sprint(v.bad[:min(named, len(v.bad))]), "[]"), " ", ", ")
	if len(v.bad) > named {
		list += fmt.Sprintf(" and %d more", len(v.bad)-named)
	}
	return errs.New(errs.Corrupt, "chunk %s: the bytes at the target are not those that were sent (SHA-256 differs)", list)
}

// digest has the storage digest a range, or reads it and does so here.
func digest(ctx context.Context, s storage.Storage, key string, offset, length int64) ([32]byte, error) {
	if d, ok := s.(storage.Digester); ok {
		sum, err := d.Digest(ctx, key, offset, length)
		if !errs.Is(err, errs.Unsupported) {
			return sum, err
		}
	}
	h := sha256.New()
	w := &counter{w: h}
	if err := s.ReadRange(ctx, key, offset, length, w); err != nil {
		return [32]byte{}, err
	}
	if w.n != length {
		return [32]byte{}, errs.New(errs.Transient, "the target gave %d bytes of %d", w.n, length)
	}
	return [32]byte(h.Sum(nil)), nil
}
