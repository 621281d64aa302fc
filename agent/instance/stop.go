package instance

import (
	"context"
	"errors"
	"fmt"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// ErrStillRunning is in the chain of the error of a server that did not stop in time.
var ErrStillRunning = errors.New("the server is still running")

// Stop takes the server down and returns when its process is gone and its data directory is free. A server that is
// down already is no error. An error of the shutdown command may still mean "stopping", so the wait goes on until
// stop_timeout; only a refusal for want of permission ends it at once.
func (i *Instance) Stop(ctx context.Context) error {
	pid, err := i.Holder()
	if err != nil {
		return fmt.Errorf("data directory %s: %w", i.DataDir, err)
	}
	if pid == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, i.StopTimeout)
	defer cancel()
	i.stopping = pid
	asked := i.askToStop(ctx)
	if errs.Is(asked, errs.Permission) {
		i.stopping = 0 // nobody was asked
		return fmt.Errorf("stop the server: %w", asked)
	}
	if asked != nil {
		i.Log.Warn("the shutdown reported an error; waiting whether the server stops all the same", "error", asked)
	}
	err = fault.Around("mysql.free", func() error { return mysql.WaitFree(ctx, i.DataDir, pid) })
	if err != nil {
		return i.notStopped(ctx, pid, asked, err)
	}
	i.stopping = 0 // a start need not allow for it any more
	return nil
}

func (i *Instance) askToStop(ctx context.Context) error {
	handled, err := i.Service.Stop(ctx)
	if handled {
		return err
	}
	return i.Server.Shutdown(ctx)
}

// notStopped says why the server does not count as stopped: it was started again at once, its time is up, the caller has
// given up, or it could not be looked at.
func (i *Instance) notStopped(ctx context.Context, pid int, asked, waited error) error {
	var taken *mysql.TakenOverError
	switch {
	case errors.As(waited, &taken):
		return errors.Join(waited, asked)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err := fmt.Errorf("%w after %s: %s holds %s", ErrStillRunning, i.StopTimeout, mysql.ProcessName(pid), i.DataDir)
		return errors.Join(err, asked, ignoreDeadline(waited))
	case ctx.Err() != nil:
		return errors.Join(context.Cause(ctx), asked)
	}
	return errors.Join(fmt.Errorf("look whether the server has stopped: %w", waited), asked)
}

func ignoreDeadline(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
