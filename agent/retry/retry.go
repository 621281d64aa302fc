package retry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// Policy says how often and how long one call is tried. Zero fields mean the defaults.
type Policy struct {
	Initial time.Duration // wait after the first failure, give or take half (default 500ms); doubles each time
	Max     time.Duration // longest wait between two tries (default 30s)
	Tries   int           // calls at most (default 12)
	Total   time.Duration // no try starts later than this after the first one (default 15m)
	Timeout time.Duration // one call's bound, on top of what its bytes need at MinRate (default 1m)
	MinRate int64         // bytes per second that a call moves at the very least (default 256 KiB)
}

// WithDefaults fills in the zero fields.
func (p Policy) WithDefaults() Policy {
	orDefault(&p.Initial, 500*time.Millisecond)
	orDefault(&p.Max, 30*time.Second)
	orDefault(&p.Tries, 12)
	orDefault(&p.Total, 15*time.Minute)
	orDefault(&p.Timeout, time.Minute)
	orDefault(&p.MinRate, 256<<10)
	return p
}

func orDefault[T int | int64 | time.Duration](v *T, value T) {
	if *v <= 0 {
		*v = value
	}
}

// timeout bounds a call that moves so many bytes.
func (p Policy) timeout(bytes int64) time.Duration {
	return p.Timeout + time.Duration(float64(bytes)/float64(p.MinRate)*float64(time.Second))
}

// Do runs f, which moves so many bytes, until it succeeds, fails for good, or the tries or the time are used up. Each try
// has a timeout of its own; one that ran out counts as transient. The error is f's last one, also when ctx ended the
// waiting. again is told before each pause; it may be nil. (R8.3)
func (p Policy) Do(
	ctx context.Context, bytes int64, f func(context.Context) error, again func(err error, wait time.Duration),
) error {
	p = p.WithDefaults()
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = p.Initial, p.Max, 2
	var last error
	tries := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		tries++
		last = p.try(ctx, bytes, f)
		return struct{}{}, verdict(last)
	}, backoff.WithBackOff(b), backoff.WithMaxTries(uint(p.Tries)), backoff.WithMaxElapsedTime(p.Total),
		backoff.WithNotify(func(_ error, wait time.Duration) {
			if again != nil {
				again(last, wait)
			}
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
func (p Policy) try(ctx context.Context, bytes int64, f func(context.Context) error) error {
	limit := p.timeout(bytes)
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
