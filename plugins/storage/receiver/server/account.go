package server

import (
	"context"
	"math"
	"sync"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// account is what a client uses of its quota: the bytes of its objects, and for each unfinished upload how far it reaches.
// It may count too much until an upload ends, and never too little.
type account struct {
	mu       sync.Mutex
	objects  int64
	partials map[string]*extent
}

type extent struct{ chunkSize, size int64 }

// measure finds out what is there, when the server has just started.
func (a *account) measure(ctx context.Context, store Store) error {
	objects, partials := int64(0), map[string]*extent{}
	err := store.List(ctx, "", func(o storage.Object) error { objects += o.Size; return nil })
	if err == nil {
		err = store.EachPartial(ctx, func(p Partial) error {
			if p.Size > 0 || p.ChunkSize > 0 {
				partials[p.Token] = &extent{p.ChunkSize, p.Size}
			}
			return nil
		})
	}
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.objects, a.partials = objects, partials
	return nil
}

func (a *account) used() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sum()
}

func (a *account) sum() int64 {
	sum := a.objects
	for _, e := range a.partials {
		if sum > math.MaxInt64-e.size {
			return math.MaxInt64
		}
		sum += e.size
	}
	return sum
}

// begin opens an upload.
func (a *account) begin(token string, chunkSize int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.partials[token] = &extent{chunkSize: chunkSize}
}

// reserve makes room for a chunk, or refuses it. An upload that nobody knows is the store's business.
func (a *account) reserve(token string, index, length, quota int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.partials[token]
	if e == nil || e.chunkSize < 1 || index > (math.MaxInt64-length)/e.chunkSize {
		return nil
	}
	more := index*e.chunkSize + length - e.size
	if more <= 0 {
		return nil
	}
	if used := a.sum(); quota > 0 && more > quota-used {
		return errs.New(errs.NoSpace, "quota: %s of %s are used, and the upload would grow by %s", schema.FormatSize(used),
			schema.FormatSize(quota), schema.FormatSize(more))
	}
	e.size += more
	return nil
}

// committed turns an upload into an object.
func (a *account) committed(token string, size int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.partials[token] != nil { // else it is the second commit
		delete(a.partials, token)
		a.objects += size
	}
}

// dropped forgets an upload.
func (a *account) dropped(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.partials, token)
}

// deleted forgets an object.
func (a *account) deleted(size int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.objects = max(0, a.objects-size)
}
