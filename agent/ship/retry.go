package ship

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// Retry says how often and how long one call to a target is tried. Zero fields mean the defaults.
type Retry struct {
	Initial time.Duration // wait after the first failure, give or take half (default 500ms); doubles each time
	Max     time.Duration // longest wait between two tries (default 30s)
	Tries   int           // calls at most (default 12)
	Total   time.Duration // no try starts later than this after the first one (default 15m)
	Timeout time.Duration // one call's bound, on top of what its bytes need at MinRate (default 1m)
	MinRate int64         // bytes per second that a call moves at the very least (default 256 KiB)
}

func (r Retry) withDefaults() Retry {
	orDefault(&r.Initial, 500*time.Millisecond)
	orDefault(&r.Max, 30*time.Second)
	orDefault(&r.Tries, 12)
	orDefault(&r.Total, 15*time.Minute)
	orDefault(&r.Timeout, time.Minute)
	orDefault(&r.MinRate, 256<<10)
	return r
}

func orDefault[T int | int64 | time.Duration](v *T, value T) {
	if *v <= 0 {
		*v = value
	}
}

// timeout bounds a call that moves so many bytes.
func (r Retry) timeout(bytes int64) time.Duration {
	return r.Timeout + time.Duration(float64(bytes)/float64(r.MinRate)*float64(time.Second))
}

// call runs f until it succeeds, fails for good, or the tries or the time are used up. Each try has a timeout of its
// own; one that ran out counts as transient. The error is f's last one, also when ctx ended the waiting. (R8.3)
func (o Options) call(ctx context.Context, t Target, op string, bytes int64, f func(context.Context) error) error {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = o.Retry.Initial, o.Retry.Max, 2
	var last error
	tries := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		tries++
		last = o.try(ctx, bytes, f)
		return struct{}{}, verdict(last)
	}, backoff.WithBackOff(b), backoff.WithMaxTries(uint(o.Retry.Tries)), backoff.WithMaxElapsedTime(o.Retry.Total),
		backoff.WithNotify(func(_ error, wait time.Duration) {
			o.Log.Warn("target call failed, trying again", "target", t.Label, "op", op, "wait", wait, "error", last)
		}))
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return stopped(cause, last)
	}
	if tries > 1 {
		return errs.Wrap(errs.KindOf(last), last, "given up after %d tries", tries)
	}
	return last
}

// stopped is the error of a call that the caller gave up, with what it had met until then.
func stopped(cause, last error) error {
	if errs.Is(last, errs.Canceled) {
		return errs.Wrap(errs.Canceled, cause, "stopped")
	}
	return errs.Wrap(errs.Canceled, errors.Join(cause, last), "stopped")
}

// try makes one call, within its timeout.
func (o Options) try(ctx context.Context, bytes int64, f func(context.Context) error) error {
	limit := o.Retry.timeout(bytes)
	tctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := f(tctx)
	if err != nil && tctx.Err() != nil && ctx.Err() == nil {
		return errs.Wrap(errs.Transient, fmt.Errorf("%w (%w)", context.DeadlineExceeded, err), "no answer within %s", limit)
	}
	return err
}

// verdict translates an error into what package backoff understands.
func verdict(err error) error {
	if err == nil {
		return nil
	}
	after, again := errs.Retryable(err)
	switch {
	case !again:
		return backoff.Permanent(err)
	case after > 0:
		return &backoff.RetryAfterError{Duration: after}
	}
	return err
}
