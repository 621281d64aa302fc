package ship_test

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drydock-backup/drydock/agent/retry"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// R8.3: what may pass is tried again, after growing waits or as long as the target asked; what will not is not.
func TestRetries(t *testing.T) {
	transient := errs.New(errs.Transient, "connection reset")
	throttled := &errs.Error{Kind: errs.Throttled, RetryAfter: 17 * time.Second, Err: errors.New("slow down")}
	cases := map[string]struct {
		err      error
		failures int
		tries    int32
		min, max time.Duration
		failed   bool
	}{
		"passes":            {err: transient, failures: 3, tries: 4, min: 1700 * time.Millisecond, max: 5300 * time.Millisecond},
		"asked to wait":     {err: throttled, failures: 2, tries: 3, min: 34 * time.Second, max: 34 * time.Second},
		"does not pass":     {err: transient, failures: 100, tries: 6, min: 7 * time.Second, max: 24 * time.Second, failed: true},
		"permission":        {err: errs.New(errs.Permission, "no"), failures: 100, tries: 1, failed: true},
		"full":              {err: errs.New(errs.NoSpace, "full"), failures: 100, tries: 1, failed: true},
		"unclassified":      {err: errors.New("what?"), failures: 100, tries: 1, failed: true},
		"wait beyond bound": {err: &errs.Error{Kind: errs.Throttled, RetryAfter: time.Hour}, failures: 9, tries: 1, failed: true},
		"done, answer lost": {err: nil, failures: 2, tries: 3, min: 700 * time.Millisecond, max: 3 * time.Second},
		"transient, once":   {err: transient, failures: 1, tries: 2, min: 250 * time.Millisecond, max: 750 * time.Millisecond},
		"throttled, no delay": {err: errs.New(errs.Throttled, "busy"), failures: 1, tries: 2, min: 250 * time.Millisecond,
			max: 750 * time.Millisecond},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, nas := capture(t, 10), newDirStore(t)
				var tries atomic.Int32
				f := faulty{Storage: nas}
				hook := func(_ context.Context, op string, _ int) error {
					if op != "put" || int(tries.Add(1)) > tc.failures {
						return nil
					}
					if tc.err == nil {
						return transient
					}
					return tc.err
				}
				if f.before = hook; tc.err == nil {
					f.before, f.after = nil, hook
				}
				o := ship.Options{Key: key, ChunkSize: chunkSize, Retry: retry.Policy{Tries: 6}}
				begun := time.Now()
				_, results := a.shipAll(t, o, target("nas", f))
				took := time.Since(begun)
				if (results[0].Err != nil) != tc.failed || tries.Load() != tc.tries || took < tc.min || took > tc.max {
					t.Errorf("%d tries in %s, error %v", tries.Load(), took, results[0].Err)
				}
				if tc.failed && !errors.Is(results[0].Err, tc.err) {
					t.Errorf("the cause is lost: %v", results[0].Err)
				}
			})
		})
	}
}

// Bytes that were spoiled on the way are sent again; bytes that are spoiled in the spool never leave it.
func TestSpoiledChunks(t *testing.T) {
	noLeaks(t)
	t.Run("on the way", func(t *testing.T) {
		a, nas := capture(t, 3*chunkSize), newDirStore(t)
		var once atomic.Bool
		spoil := func(c storage.Chunk) storage.Chunk {
			if c.Index == 1 && once.CompareAndSwap(false, true) {
				c.File = a.chunks[0].Path
			}
			return c
		}
		to := target("nas", faulty{Storage: nas, onWire: spoil})
		_, results := a.shipAll(t, quick(), to)
		if results[0].Err != nil {
			t.Fatal(results[0].Err)
		}
		if err := a.commit(t, to, results[0].Token); err != nil {
			t.Fatal(err)
		}
		a.stored(t, nas)
	})
	t.Run("in the spool", func(t *testing.T) {
		a := capture(t, 3*chunkSize)
		if err := os.WriteFile(a.chunks[2].Path, noise(chunkSize-1), 0o600); err != nil {
			t.Fatal(err)
		}
		var puts atomic.Int32
		f := faulty{Storage: newDirStore(t), after: func(_ context.Context, op string, i int) error {
			if op == "put" && i == 2 {
				puts.Add(1)
			}
			return nil
		}}
		_, results := a.shipAll(t, quick(), target("nas", f))
		if !errs.Is(results[0].Err, errs.Corrupt) || puts.Load() != 0 {
			t.Errorf("%v, stored %d times", results[0].Err, puts.Load())
		}
		says(t, results[0].Err, "ship "+chunkName(2), "in the spool is damaged", a.chunks[2].Path)
	})
}

// An upload that could not be written down is not used: nobody could ever resume or drop it.
func TestJournalThatCannotWrite(t *testing.T) {
	noLeaks(t)
	full := errors.New("disk full")
	a, nas := capture(t, 3*chunkSize), newDirStore(t)
	o := quick()
	o.Journal = &notes{fail: full}
	s := start(t, o, target("nas", nas))
	if err := a.offerErr(s); err != nil && !errors.Is(err, full) {
		t.Error(err)
	}
	results := s.Wait(t.Context())
	if !errors.Is(results[0].Err, full) {
		t.Errorf("%v", results[0].Err)
	}
	if err := s.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	empty(t, nas)
}

func (a *artifact) offerErr(s *ship.Shipment) error {
	defer s.Finish()
	for _, c := range a.chunks {
		if err := s.Offer(c); err != nil {
			return err
		}
	}
	return nil
}

// empty fails the test when an upload is left at the store.
func empty(t testing.TB, s dirStore) {
	t.Helper()
	if left, err := os.ReadDir(s.upload("")); err != nil || len(left) > 0 {
		t.Errorf("uploads left: %v %v", left, err)
	}
}
