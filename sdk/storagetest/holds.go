package storagetest

import (
	"context"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// holdFor is long enough for a case and short enough for a bucket that is used again: objects under a date cannot be
// deleted before it.
const holdFor = 2 * time.Second

func holds() []testCase {
	return []testCase{
		{"hold", "a store that holds objects tells of the hold that was set", "", hold},
		{"hold-no-delete", "a held object cannot be deleted, and is whole afterwards", "", holdNoDelete},
		{"hold-not-earlier", "a hold until a time cannot be cut short", "", holdNotEarlier},
		{"hold-missing", "to hold an object that is not there is not found", "", holdMissing},
	}
}

// holder returns the optional ability to hold, and whether the store has it as it is configured.
func (e *env) holder() (storage.Holder, bool) {
	h, ok := storage.HolderOf(e.Storage)
	if !ok {
		e.Logf("the provider does not hold objects")
	}
	return h, ok
}

// held stores an object and puts a legal hold on it, which the end of the case lifts.
func (e *env) held(h storage.Holder, name string) object {
	e.Helper()
	o := e.store(name, 100)
	if err := h.Hold(e.Context(), o.key, storage.Hold{Legal: true}); err != nil {
		e.Fatalf("hold %q: %v", o.key, err)
	}
	e.Cleanup(func() { _ = h.Hold(context.WithoutCancel(e.Context()), o.key, storage.Hold{}) })
	return o
}

func (e *env) holdOf(key string) storage.Hold {
	e.Helper()
	o, err := e.Stat(e.Context(), key)
	if err != nil {
		e.Fatalf("stat %q: %v", key, err)
	}
	return o.Hold
}

func hold(e *env) {
	h, ok := e.holder()
	if !ok {
		return
	}
	free := e.store("free", 10)
	if got := e.holdOf(free.key); got.Legal {
		e.Errorf("an object that nobody holds: %+v", got)
	}
	o := e.held(h, "held")
	if got := e.holdOf(o.key); !got.Legal {
		e.Errorf("after a legal hold: %+v", got)
	}
	if err := h.Hold(e.Context(), o.key, storage.Hold{}); err != nil {
		e.Fatalf("lift the hold: %v", err)
	}
	if got := e.holdOf(o.key); got.Legal {
		e.Errorf("after it was lifted: %+v", got)
	}
	if err := e.Delete(e.Context(), o.key); err != nil {
		e.Errorf("delete after the hold was lifted: %v", err)
	}
}

func holdNoDelete(e *env) {
	h, ok := e.holder()
	if !ok {
		return
	}
	o := e.held(h, "held")
	e.isKind("delete a held object", e.Delete(e.Context(), o.key), errs.Permission)
	e.holds(o)
}

func holdNotEarlier(e *env) {
	h, ok := e.holder()
	if !ok {
		return
	}
	o := e.store("held", 10)
	until := time.Now().Add(holdFor).Truncate(time.Second).Add(time.Second) // stores count in seconds
	if err := h.Hold(e.Context(), o.key, storage.Hold{Until: until}); errs.Is(err, errs.Unsupported) {
		e.Logf("the store has no holds until a time")
		return
	} else if err != nil {
		e.Fatalf("hold until %s: %v", until, err)
	}
	e.Cleanup(func() { time.Sleep(time.Until(until)) }) // what sweeps up comes after the date
	if got := e.holdOf(o.key); !got.Until.Equal(until) {
		e.Errorf("held until %s; want %s", got.Until, until)
	}
	e.isKind("take the date away", h.Hold(e.Context(), o.key, storage.Hold{}), errs.Permission)
}

func holdMissing(e *env) {
	h, ok := e.holder()
	if !ok {
		return
	}
	err := h.Hold(e.Context(), e.prefix+"missing", storage.Hold{Legal: true})
	e.isKind("hold a missing object", err, errs.NotFound)
}
