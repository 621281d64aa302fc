package agent

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/agent/step"
)

// Queue says how artifacts wait that some target still lacks. Zero fields mean the defaults.
type Queue struct {
	MaxBytes int64         // of all that waits in the spool; 0: what the disk can hold beside the next artifact
	RetryMin time.Duration // wait after the first failure, give or take half; doubles each time (default 1 minute)
	RetryMax time.Duration // longest wait (default 1 hour)
	Patience time.Duration // how long a run tries a target that fails, before the artifact waits for it (default 2 minutes)
}

func (q Queue) withDefaults() Queue {
	if q.RetryMin <= 0 {
		q.RetryMin = time.Minute
	}
	if q.RetryMax <= 0 {
		q.RetryMax = time.Hour
	}
	q.RetryMax = max(q.RetryMax, q.RetryMin)
	if q.Patience <= 0 {
		q.Patience = 2 * time.Minute
	}
	return q
}

// wait is how long the service waits after so many tries: twice as long each time, give or take half, so that many agents
// do not come back to a receiver at the same moment. (R8.3)
func (q Queue) wait(tries int) time.Duration {
	d := q.RetryMin
	for i := 1; i < tries && d < q.RetryMax; i++ {
		d *= 2
	}
	d = min(d, q.RetryMax)
	return d/2 + rand.N(d)
}

// ErrQueued is in the chain when no target holds the backup yet, and the artifact waits in the spool for one.
var ErrQueued = errors.New("the artifact waits in the spool")

// queuedError is the failure of a run whose artifact waits.
type queuedError struct{ error }

func (q *queuedError) Unwrap() error        { return q.error }
func (q *queuedError) Is(target error) bool { return target == ErrQueued }

// queued marks a failure that is no more than a target which is away: the backup itself is fine.
func (r *running) queued(failure error) error {
	if r.waits() && !isInterrupt(failure) && (errors.Is(failure, step.ErrNotShipped) || errors.Is(failure, step.ErrNotStored)) {
		return &queuedError{failure}
	}
	return failure
}

// enqueue is the record of a run that waits from now on, or waits again. failed are the errors of this try, by target.
func (a *Agent) enqueue(s *state.Run, held []state.Target, failed map[string]string, now time.Time) *state.Queue {
	q := &state.Queue{Since: now.UTC()}
	if s.Queue != nil {
		q.Since, q.Tries = s.Queue.Since, s.Queue.Tries
	}
	q.Tries++
	q.Next = now.Add(a.o.Queue.wait(q.Tries)).UTC()
	has := map[string]bool{}
	for _, t := range held {
		has[t.Label] = t.Manifest
	}
	for _, label := range s.Targets {
		if !has[label] {
			q.Lacking = append(q.Lacking, state.Lack{Target: label, Error: failed[label]})
		}
	}
	return q
}

// spoolUsed is what lies in the spool beside a run's own.
func (r *running) spoolUsed() (spool.Usage, error) { return spool.Used(r.o.SpoolDir, r.b.ID) }
