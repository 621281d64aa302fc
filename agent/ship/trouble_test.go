package ship_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drydock-backup/drydock/agent/retry"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// asked is a target whose answer to a question is up to a hook; that to a chunk is up to faulty's.
type asked struct {
	faulty
	stat func(ctx context.Context) error
}

func (a asked) Stat(ctx context.Context, key string) (storage.Object, error) {
	if err := a.stat(ctx); err != nil {
		return storage.Object{}, err
	}
	return a.faulty.Stat(ctx, key)
}

// refuse and hang are ways of a target that is away, takes that of one which takes its time for a call.
func refuse(context.Context) error { return errs.New(errs.Transient, "connection refused") }

func hang(ctx context.Context) error {
	<-ctx.Done()
	return errs.Wrap(errs.Transient, ctx.Err(), "no route")
}

func takes(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// until behaves one way at first, and another way from some time on.
func until(d time.Duration, first, then func(context.Context) error) func(context.Context) error {
	turn := time.Now().Add(d)
	return func(ctx context.Context) error {
		if time.Now().Before(turn) {
			return first(ctx)
		}
		return then(ctx)
	}
}

// Targets are away when nothing gets through to any of those that still lack something, be it that they refuse or that they
// are silent; they are not as long as one of them works, however slowly. The time is the test's own.
func TestAllAway(t *testing.T) {
	const grace = 10 * time.Second
	full := func(context.Context) error { return errs.New(errs.NoSpace, "full") }
	type way func(context.Context) error
	type behaviour func() (put, stat way) // made when the time begins
	away, slow := behaviour(func() (way, way) { return refuse, refuse }), behaviour(func() (way, way) {
		return takes(40 * time.Second), takes(time.Second)
	})
	for name, tt := range map[string]struct {
		targets  []behaviour // of the targets "0", "1"
		away     []string
		min, max time.Duration
	}{
		"everything arrives": {[]behaviour{func() (way, way) { return takes(0), takes(0) }}, nil, 0, time.Second},
		"one refuses":        {[]behaviour{away}, []string{"0"}, grace, 2 * grace},
		"one refuses chunks and answers": {[]behaviour{func() (way, way) { return refuse, takes(0) }},
			[]string{"0"}, grace, 2 * grace},
		"one is silent":  {[]behaviour{func() (way, way) { return hang, hang }}, []string{"0"}, 2 * grace, 2*grace + 2*time.Second},
		"one is slow":    {[]behaviour{slow}, nil, 120 * time.Second, 130 * time.Second},
		"one has failed": {[]behaviour{func() (way, way) { return full, takes(0) }}, nil, 0, time.Second},
		"both are away":  {[]behaviour{away, func() (way, way) { return hang, hang }}, []string{"0", "1"}, 2 * grace, 3 * grace},
		"one is left":    {[]behaviour{slow, away}, []string{"1"}, 120 * time.Second, 130 * time.Second},
		"a connection ends": {[]behaviour{func() (way, way) {
			return until(time.Millisecond, refuse, takes(40*time.Second)), takes(0)
		}}, nil, 120 * time.Second, 130 * time.Second},
		"one comes back": {[]behaviour{slow, func() (way, way) { return until(30*time.Second, refuse, takes(0)), takes(0) }},
			nil, 120 * time.Second, 130 * time.Second},
		"one falls silent and wakes up": {[]behaviour{slow, func() (way, way) {
			return takes(70 * time.Second), until(40*time.Second, hang, takes(0))
		}}, nil, 210 * time.Second, 220 * time.Second},
		"one dies while its last chunk is under way": {[]behaviour{func() (way, way) {
			return until(65*time.Second, takes(40*time.Second), hang), until(65*time.Second, takes(0), hang)
		}}, []string{"0"}, 80 * time.Second, 110 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var targets []ship.Target
				for i, b := range tt.targets {
					put, stat := b()
					targets = append(targets, target(string(rune('0'+i)), asked{stat: stat, faulty: faulty{
						Storage: newDirStore(t), before: func(ctx context.Context, op string, _ int) error {
							if op != "put" {
								return nil
							}
							return put(ctx)
						},
					}}))
				}
				s := start(t, ship.Options{Key: key, ChunkSize: chunkSize, Workers: 1,
					Retry: retry.Policy{Timeout: 5 * time.Minute}}, targets...)
				capture(t, 3*chunkSize).offer(t, s)
				began := time.Now()
				got := s.AllAway(t.Context(), grace)
				if took := time.Since(began); !slices.Equal(got, tt.away) || took < tt.min || took > tt.max {
					t.Errorf("away after %s: %v", took, got)
				}
			})
		})
	}
}

// Whoever waits can be called off.
func TestAllAwayEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, ship.Options{Key: key, ChunkSize: chunkSize},
			target("silent", asked{faulty{Storage: newDirStore(t)}, hang}),
			target("slow", faulty{Storage: newDirStore(t), before: func(ctx context.Context, op string, _ int) error {
				return takes(time.Minute)(ctx)
			}}))
		capture(t, chunkSize).offer(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second) // while a question is being asked
		defer cancel()
		began := time.Now()
		if away := s.AllAway(ctx, 10*time.Second); away != nil || time.Since(began) != 15*time.Second {
			t.Errorf("after %s: %v", time.Since(began), away)
		}
	})
}
