package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/guardian"
	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/state"
)

const (
	// rescueWait is how long a guardian waits between two tries to get the locks that somebody else has.
	rescueWait = time.Second
	// rescuePatience bounds the wait for somebody else who works on the data directory. Every run begins by bringing up
	// what earlier runs have stopped, so a holder of the lock does this guardian's work; what is waited for is its end, to
	// make sure.
	rescuePatience = 24 * time.Hour
	// stuckPatience is how long the lock of an agent that was killed, but hangs in the kernel, is respected.
	stuckPatience = 10 * time.Second
	// A start that fails is tried again: nobody else is left who would. What has failed so often has a cause that lasts.
	startTries = 3
	startPause = 10 * time.Second
)

// GuardianCommand is the name of the hidden command that calls Guard.
const GuardianCommand = "guardian"

// Guard is the life of a guardian process. in and out are the pipes from and to the agent that has started it; what it
// does goes to log. See package guardian.
func Guard(ctx context.Context, in io.Reader, out, log io.Writer) error {
	l := slog.New(slog.NewTextHandler(log, nil))
	err := guardian.Serve(ctx, in, out, l, func(ctx context.Context, o guardian.Order, why guardian.Reason) error {
		return fault.Around("guardian.rescue", func() error { return rescueStubbornly(ctx, l, o, why) })
	})
	var down *instance.DownError
	if errors.As(err, &down) {
		l.Error("MySQL IS DOWN", "log", down.LogTail, "manual", down.Manual)
	}
	if err != nil {
		l.Error("guardian", "error", err)
	}
	return err
}

// rescueStubbornly is rescue, and once more while a start fails without leaving anybody at the data directory.
func rescueStubbornly(ctx context.Context, log *slog.Logger, o guardian.Order, why guardian.Reason) error {
	for try := 1; ; try++ {
		err := rescue(ctx, log, o, why)
		var down *instance.DownError
		if !errors.As(err, &down) || down.Holder != 0 || try == startTries {
			return err
		}
		log.Warn("MySQL did not start; trying again", "after", startPause, "error", err, "log", down.LogTail)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(startPause):
		}
	}
}

// rescue brings MySQL up for a run whose agent is gone, with the same code and behind the same locks as Recover.
func rescue(ctx context.Context, log *slog.Logger, o guardian.Order, why guardian.Reason) (err error) {
	j := job.Job{Name: o.Job, MySQL: o.MySQL}
	a := &Agent{o: Options{DataDir: o.StateDir, Log: log}, now: time.Now}
	r := &running{Agent: a, story: &story{clock: a.now}, b: newBackup(o.Run, j)}
	defer func() { err = errors.Join(err, r.close()) }()
	if r.server, err = a.openServer(j); err != nil {
		return err
	}
	r.server.ErrorLog = o.ErrorLog
	if err := r.takeOver(ctx, why); err != nil {
		return err
	}
	if r.store == nil {
		log.Warn("the state cannot be had; bringing MySQL up without it")
		return r.startBlind(ctx, o)
	}
	found, err := r.revive(ctx, startedByGuardian)
	if err == nil {
		log.Info("MySQL is up", "runs", len(found), "reason", why.Text)
	}
	return err
}

// takeOver takes the locks in the order in which runs do. The state's may be missing in the end: MySQL comes first. The
// data directory's is the one that keeps two from starting servers.
func (r *running) takeOver(ctx context.Context, why guardian.Reason) error {
	ctx, cancel := context.WithTimeout(ctx, rescuePatience)
	defer cancel()
	began := time.Now()
	for {
		var stateErr, dirErr error
		r.store, stateErr = r.openState(ctx, r.b.Job)
		if r.dirLock, dirErr = r.lockDir(ctx); dirErr == nil {
			return nil
		}
		if !errors.Is(dirErr, instance.ErrLocked) || why.Stuck && time.Since(began) > stuckPatience {
			r.o.Log.Warn("going on without the lock", "error", dirErr)
			return nil
		}
		r.o.Log.Info("waiting for whoever works on the data directory", "error", dirErr, "state", stateErr)
		if r.store != nil {
			_ = r.store.Close() // whoever has the directory may want it
			r.store = nil
		}
		select {
		case <-ctx.Done():
			return dirErr
		case <-time.After(rescueWait):
		}
	}
}

// startBlind does what revive does, from the order alone, and records it if the state can be had afterwards.
func (r *running) startBlind(ctx context.Context, o guardian.Order) error {
	r.mayBeStopping(o.PID, o.Written)
	if err := r.server.Start(ctx); err != nil {
		return err
	}
	up := r.now().UTC()
	var settings mysql.Settings
	err := json.Unmarshal(o.Settings, &settings)
	if err == nil {
		err = r.server.Apply(ctx, settings)
	}
	if err != nil {
		return fmt.Errorf("MySQL is up; put back what the restart lost: %w", err)
	}
	if r.store, err = r.openState(ctx, r.b.Job); err != nil {
		return fmt.Errorf("MySQL is up; record it: %w", err)
	}
	return r.broughtBack(o.Run, startedByGuardian, up)
}

// broughtBack records that MySQL is as it was before a run.
func (r *running) broughtBack(run, by string, up time.Time) error {
	return fault.Around("record.revived", func() error {
		return r.store.UpdateRun(run, func(s *state.Run) error {
			if s.Intent.Pending() {
				s.Intent.Disarmed, s.Intent.StartedBy, s.UpAgain = true, by, up
			}
			return nil
		})
	})
}
