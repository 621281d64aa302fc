package ship_test

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// R4.5, R8.4: every target ends up with the artifact, read back.
func TestArtifactReachesEveryTarget(t *testing.T) {
	noLeaks(t)
	sizes := map[string]int{"many chunks": 20*chunkSize + 7, "whole chunks": 3 * chunkSize, "one byte": 1, "empty": 0}
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			a := capture(t, size)
			nas, offsite := newDirStore(t), newDirStore(t)
			var freed released
			j := &notes{}
			last := map[string]int64{}
			o := quick()
			o.Journal, o.Release = j, freed.add
			var progress atomic.Int64
			o.Progress = func(label string, bytes int64) {
				progress.Add(1)
				if label == "nas" { // one call at a time for one target
					if bytes <= last[label] {
						t.Errorf("progress went from %d to %d", last[label], bytes)
					}
					last[label] = bytes
				}
			}
			targets := []ship.Target{target("nas", nas), target("offsite", offsite)}
			_, results := a.shipAll(t, o, targets...)
			for i, r := range results {
				if r.Err != nil || r.Bytes != int64(size) || r.Token != j.tokens[r.Label] {
					t.Fatalf("%+v", r)
				}
				missing(t, []dirStore{nas, offsite}[i])
				for range 2 { // a commit can be repeated
					if err := a.commit(t, targets[i], r.Token); err != nil {
						t.Fatal(err)
					}
				}
				a.stored(t, []dirStore{nas, offsite}[i])
				if d := cmp.Diff(upTo(len(a.chunks)), append([]int{}, j.arrived[r.Label]...)); d != "" {
					t.Errorf("journal: %s", d)
				}
			}
			if d := cmp.Diff(upTo(len(a.chunks)), append([]int{}, freed.sorted()...)); d != "" {
				t.Errorf("released: %s", d)
			}
			if last["nas"] != int64(size) || progress.Load() != int64(2*len(a.chunks)) {
				t.Errorf("progress: %v, %d calls", last, progress.Load())
			}
		})
	}
}

// Chunks leave while the artifact is still being written.
func TestShippingFollowsCapture(t *testing.T) {
	noLeaks(t)
	a, nas := capture(t, 3*chunkSize), newDirStore(t)
	gone := make(chan int, 3)
	o := quick()
	o.Release = func(c spool.Chunk) { gone <- c.Index }
	s := start(t, o, target("nas", nas))
	for _, c := range a.chunks { // Finish is not called before they have arrived
		if err := s.Offer(c); err != nil {
			t.Fatal(err)
		}
		if i := <-gone; i != c.Index {
			t.Fatalf("chunk %d arrived instead of %d", i, c.Index)
		}
	}
	s.Finish()
	if failed := failedOf(s.Wait(t.Context())); failed != nil {
		t.Error(failed)
	}
}

// A target that hangs takes as long as its retries allow, and nobody else waits for it. R9.5: every call has a timeout.
func TestDeadTargetHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, nas, dead := capture(t, 30*chunkSize), newDirStore(t), newDirStore(t)
		hang := func(ctx context.Context, op string, _ int) error {
			if op == "put" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		begun := time.Now()
		var livedFor time.Duration
		o := ship.Options{Key: key, ChunkSize: chunkSize, Progress: func(label string, bytes int64) {
			if bytes == int64(len(a.data)) {
				livedFor = time.Since(begun)
			}
		}}
		_, results := a.shipAll(t, o, target("dead", faulty{Storage: dead, before: hang}), target("nas", nas))
		if d := cmp.Diff([]string{"dead"}, failedOf(results)); d != "" {
			t.Fatal(d)
		}
		if livedFor > time.Second {
			t.Errorf("the live target needed %s", livedFor)
		}
		if took := time.Since(begun); took < 5*time.Minute || took > 20*time.Minute {
			t.Errorf("the dead target was given up after %s", took)
		}
		says(t, results[0].Err, `at target "dead"`, "ship chunk", "no answer within 1m0.0", "given up after")
		if !errs.Is(results[0].Err, errs.Transient) {
			t.Errorf("kind %s", errs.KindOf(results[0].Err))
		}
	})
}

// A target that cannot even begin holds up neither Start nor the others; Begun tells.
func TestTargetThatCannotBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, nas, taken, slow := capture(t, 3*chunkSize), newDirStore(t), newDirStore(t), newDirStore(t)
		if err := os.WriteFile(taken.object(key), []byte("somebody else's"), 0o600); err != nil {
			t.Fatal(err)
		}
		late := faulty{Storage: slow, before: func(_ context.Context, op string, _ int) error {
			if op == "begin" {
				time.Sleep(30 * time.Second)
			}
			return nil
		}}
		s := start(t, quick(), target("taken", taken), target("nas", nas), target("slow", late))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if d := cmp.Diff([]string{"taken", "slow"}, failedOf(s.Begun(ctx))); d != "" {
			t.Error(d)
		}
		a.offer(t, s)
		results := s.Wait(t.Context())
		if d := cmp.Diff([]string{"taken", "slow"}, failedOf(results)); d != "" { // slow: longer than a call may take
			t.Error(d)
		}
		if !errs.Is(results[0].Err, errs.Exists) {
			t.Errorf("taken: %v", results[0].Err)
		}
		if got, err := os.ReadFile(taken.object(key)); err != nil || string(got) != "somebody else's" {
			t.Errorf("R10.3: overwritten: %q %v", got, err)
		}
	})
}

// R9.3: with Keep, what a failed target lacks stays on the disk, and nothing else does; DropKept ends that.
func TestChunksThatAFailedTargetLacks(t *testing.T) {
	noLeaks(t)
	a := capture(t, 6*chunkSize)
	breaks := func(_ context.Context, op string, i int) error {
		if op == "put" && i == 3 {
			return errs.New(errs.NoSpace, "full")
		}
		return nil
	}
	for name, tc := range map[string]struct {
		keep bool
		want []int
	}{"kept": {true, []int{0, 1, 2}}, "not kept": {false, upTo(6)}} {
		t.Run(name, func(t *testing.T) {
			var freed released
			o := quick()
			o.Workers, o.Keep, o.Release = 1, tc.keep, freed.add
			s, results := a.shipAll(t, o, target("full", faulty{Storage: newDirStore(t), before: breaks}), target("nas", newDirStore(t)))
			if d := cmp.Diff([]string{"full"}, failedOf(results)); d != "" {
				t.Fatal(d)
			}
			if d := cmp.Diff(tc.want, freed.sorted()); d != "" {
				t.Error(d)
			}
			if n := s.InFlight(); n != 0 {
				t.Errorf("%d chunks in flight", n)
			}
			if n := s.DropKept(); n != 6-len(tc.want) || len(freed.sorted()) != 6 {
				t.Errorf("DropKept released %d", n)
			}
		})
	}
}

// Nobody goes on reading a data directory for targets that are all gone; but R9.3 wants the artifact whole on this host.
func TestOfferWhenEveryTargetHasFailed(t *testing.T) {
	noLeaks(t)
	a := capture(t, 3*chunkSize)
	for _, keep := range []bool{false, true} {
		o := quick()
		o.Keep = keep
		s := start(t, o, target("nas", faulty{Storage: newDirStore(t),
			before: func(context.Context, string, int) error { return errs.New(errs.Permission, "not allowed") }}))
		s.Begun(t.Context())
		err := s.Offer(a.chunks[0])
		if keep != (err == nil) {
			t.Errorf("keep %t: %v", keep, err)
		}
		if !keep {
			says(t, err, "not allowed", `target "nas"`)
		}
	}
}

func TestChunksComeInOrder(t *testing.T) {
	a := capture(t, 3*chunkSize)
	s := start(t, quick(), target("nas", newDirStore(t)))
	if err := s.Offer(a.chunks[1]); !errs.Is(err, errs.Invalid) {
		t.Errorf("a gap: %v", err)
	}
	s.Finish()
	if err := s.Offer(a.chunks[0]); !errs.Is(err, errs.Invalid) {
		t.Errorf("after Finish: %v", err)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	nas := target("nas", newDirStore(t))
	for name, tc := range map[string]struct {
		targets []ship.Target
		o       ship.Options
	}{
		"no target":     {nil, quick()},
		"same label":    {[]ship.Target{nas, nas}, quick()},
		"no label":      {[]ship.Target{{Storage: nas.Storage}}, quick()},
		"no storage":    {[]ship.Target{{Label: "nas"}}, quick()},
		"no key":        {[]ship.Target{nas}, ship.Options{ChunkSize: 1}},
		"no chunk size": {[]ship.Target{nas}, ship.Options{Key: key}},
	} {
		if _, err := ship.Start(t.Context(), tc.targets, tc.o); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// R6.4: Abort ends what is going on at once and leaves nothing behind, but for what became an object.
func TestAbort(t *testing.T) {
	noLeaks(t)
	a, nas, stuck := capture(t, 5*chunkSize), newDirStore(t), newDirStore(t)
	hang := func(ctx context.Context, op string, i int) error {
		if op == "put" && i == 4 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	s := start(t, quick(), target("nas", nas), target("stuck", faulty{Storage: stuck, before: hang}))
	a.offer(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	results := s.Wait(ctx)
	if d := cmp.Diff([]string{"stuck"}, failedOf(results)); d != "" {
		t.Fatal(d)
	}
	if !errs.Is(results[1].Err, errs.Canceled) || !errors.Is(results[1].Err, context.DeadlineExceeded) {
		t.Errorf("%v", results[1].Err)
	}
	if err := a.commit(t, target("nas", nas), results[0].Token); err != nil {
		t.Fatal(err)
	}
	s.Committed("nas")
	for range 2 {
		if err := s.Abort(t.Context()); err != nil {
			t.Error(err)
		}
	}
	empty(t, stuck)
	a.stored(t, nas)
	if err := s.Offer(a.chunks[0]); !errs.Is(err, errs.Canceled) {
		t.Errorf("offer after abort: %v", err)
	}
}

// Abort says which target still holds something.
func TestAbortThatFails(t *testing.T) {
	noLeaks(t)
	broken := errs.New(errs.Permission, "not allowed")
	f := faulty{Storage: newDirStore(t), before: func(_ context.Context, op string, _ int) error {
		if op == "abort" {
			return broken
		}
		return nil
	}}
	s := start(t, quick(), target("nas", f))
	s.Begun(t.Context())
	err := s.Abort(t.Context())
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	says(t, err, "abort upload", `target "nas"`)
}

// Stop leaves chunks and uploads as they are, for a later process.
func TestStopReleasesNothing(t *testing.T) {
	noLeaks(t)
	a, nas := capture(t, 5*chunkSize), newDirStore(t)
	var freed released
	o := quick()
	o.Release = freed.add
	s := start(t, o, target("nas", faulty{Storage: nas, before: func(ctx context.Context, op string, i int) error {
		if op == "put" && i > 1 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}}))
	a.offer(t, s)
	for len(freed.sorted()) < 2 {
		time.Sleep(time.Millisecond)
	}
	if results := s.Stop(); results[0].Err == nil || results[0].Token == "" {
		t.Errorf("%+v", results)
	}
	if d := cmp.Diff([]int{0, 1}, freed.sorted()); d != "" {
		t.Error(d)
	}
}

// On a full disk, what is kept for a failed target gives way to a live one; when nobody is left it does not.
func TestMakeRoom(t *testing.T) {
	noLeaks(t)
	a := capture(t, 4*chunkSize)
	broken := faulty{Storage: newDirStore(t), before: func(context.Context, string, int) error {
		return errs.New(errs.Permission, "not allowed")
	}}
	for name, tc := range map[string]struct {
		targets []ship.Target
		want    []int
	}{
		"one is alive":   {[]ship.Target{target("broken", broken), target("nas", newDirStore(t))}, upTo(4)},
		"nobody is left": {[]ship.Target{target("broken", broken)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var freed released
			o := quick()
			o.Keep, o.Release = true, freed.add
			s, _ := a.shipAll(t, o, tc.targets...)
			if got := freed.sorted(); len(got) != 0 {
				t.Errorf("not kept: %v", got)
			}
			if n := s.MakeRoom(); n != 0 {
				t.Errorf("%d on their way", n)
			}
			if d := cmp.Diff(tc.want, freed.sorted()); d != "" {
				t.Error(d)
			}
		})
	}
}

// While a live target lacks chunks there is something to wait for, and nothing is given up.
func TestMakeRoomWhileChunksAreOnTheirWay(t *testing.T) {
	noLeaks(t)
	a := capture(t, 2*chunkSize)
	slow := faulty{Storage: newDirStore(t), before: func(ctx context.Context, op string, _ int) error {
		if op == "put" {
			<-ctx.Done()
		}
		return ctx.Err()
	}}
	s := start(t, quick(), target("slow", slow))
	a.offer(t, s)
	if n := s.MakeRoom(); n != 2 {
		t.Errorf("%d on their way", n)
	}
}
