package retry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drydock-backup/drydock/agent/retry"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// R8.3: what may help is tried again, with growing pauses or as long as the other side asked for, and within bounds.
// The time is the test's own.
func TestDo(t *testing.T) {
	transient, busy := errs.New(errs.Transient, "no route"), &errs.Error{Kind: errs.Throttled, RetryAfter: 20 * time.Second}
	minute, tenSeconds := retry.Policy{Tries: 4, Total: time.Minute}, retry.Policy{Tries: 99, Total: 10 * time.Second}
	for name, tt := range map[string]struct {
		policy   retry.Policy
		err      error
		failures int // before it works
		tries    int
		fails    bool
		min, max time.Duration
	}{
		"works":                     {minute, transient, 0, 1, false, 0, 0},
		"works at the third try":    {minute, transient, 2, 3, false, 750 * time.Millisecond, 2250 * time.Millisecond},
		"never works":               {minute, transient, 99, 4, true, time.Second, 6 * time.Second},
		"fails for good":            {minute, errs.New(errs.Permission, "no"), 99, 1, true, 0, 0},
		"has no kind":               {minute, errors.New("odd"), 99, 1, true, 0, 0},
		"asks for a pause":          {minute, busy, 2, 3, false, 40 * time.Second, 40 * time.Second},
		"asks for too long a pause": {minute, &errs.Error{Kind: errs.Throttled, RetryAfter: time.Hour}, 2, 1, true, 0, 0},
		"takes too long":            {tenSeconds, transient, 99, 6, true, 5 * time.Second, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries, told, began := 0, 0, time.Now()
				err := tt.policy.Do(t.Context(), 0, func(context.Context) error {
					if tries++; tries > tt.failures {
						return nil
					}
					return tt.err
				}, func(err error, _ time.Duration) {
					if told++; !errors.Is(err, tt.err) {
						t.Errorf("told %v", err)
					}
				})
				took := time.Since(began)
				if (err != nil) != tt.fails || took < tt.min || took > tt.max || told > tries {
					t.Errorf("%d tries, %d told, %s: %v", tries, told, took, err)
				}
				if name != "takes too long" && tries != tt.tries {
					t.Errorf("%d tries, want %d", tries, tt.tries)
				}
				if tt.fails && (!errors.Is(err, tt.err) || errs.KindOf(err) != errs.KindOf(tt.err)) {
					t.Errorf("the cause is lost: %v", err)
				}
			})
		})
	}
}

// A call without an answer is ended and tried again; a caller who gives up is told what had been met until then.
func TestNoAnswer(t *testing.T) {
	hang := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := retry.Policy{Tries: 2, Timeout: time.Second, MinRate: 1 << 20}.Do(t.Context(), 9<<20, hang, nil)
		took := time.Since(began)
		if !errs.Is(err, errs.Transient) || !strings.Contains(err.Error(), "no answer within 10s") || took > 22*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		err = retry.Policy{}.Do(ctx, 0, func(context.Context) error { return errs.New(errs.Transient, "no route") }, nil)
		if !errs.Is(err, errs.Canceled) || !errors.Is(err, cause) || !strings.Contains(err.Error(), "no route") {
			t.Errorf("given up: %v", err)
		}
	})
}
