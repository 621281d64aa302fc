package ship

import (
	"context"
	"time"
)

// call runs f, which moves so many bytes to or from a target, as often as the policy allows.
func (o Options) call(ctx context.Context, t Target, op string, bytes int64, f func(context.Context) error) error {
	return o.Retry.Do(ctx, bytes, f, func(err error, wait time.Duration) {
		o.Log.Warn("target call failed, trying again", "target", t.Label, "op", op, "wait", wait, "error", err)
	})
}
