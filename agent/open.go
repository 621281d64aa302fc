package agent

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/guardian"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/state"
)

// namelessWait is how much longer a holder is waited for that nobody can name: it is a process that is just ending, or has
// only just begun, and so has not said its name.
const namelessWait = 10 * time.Second

// openState opens the job's state file, which is the job's lock too. It waits a moment for whoever has it, and as long as it
// takes for a guardian that is just bringing MySQL up.
func (a *Agent) openState(ctx context.Context, j job.Job) (*state.Store, error) {
	within := func(limit time.Duration) (store *state.Store, err error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		err = fault.Around("lock.state", func() (err error) {
			store, err = state.Open(ctx, state.Path(a.o.DataDir, j.Name))
			return err
		})
		return store, err
	}
	store, err := within(lockWait)
	var locked *state.LockedError
	if errors.As(err, &locked) && locked.Holder.PID == 0 {
		store, err = within(namelessWait)
	}
	if !errors.As(err, &locked) || !strings.HasSuffix(locked.Holder.Command, " "+GuardianCommand) {
		return store, err
	}
	a.o.Log.Warn("a run died; waiting for its guardian, which is bringing MySQL up",
		"process", locked.Holder.PID, "log", guardian.LogPath(a.o.DataDir, j.Name))
	return within(rescueLimit(j.MySQL))
}
