package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/service"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// RecoverRecorded brings MySQL up for the runs of a job that died, from what they wrote down before the stop: for a job
// whose file cannot be read any more. The record has no password, so a server that refuses to let us in counts as up, and
// what a restart loses is put back by Recover, once the job's file is mended. Artifacts are left alone until then.
func (a *Agent) RecoverRecorded(ctx context.Context, name string) (found []Recovered, err error) {
	store, err := a.openState(ctx, job.Job{Name: name})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	runs, err := store.Last(state.KeepRuns)
	if err != nil {
		return nil, err
	}
	for _, old := range slices.Backward(runs) {
		if !old.Intent.Pending() || old.Intent.Started() {
			continue
		}
		if err := a.startRecorded(ctx, store, old); err != nil {
			return found, fmt.Errorf("run %s had stopped MySQL: %w", old.ID, err)
		}
		found = append(found, Recovered{RunID: old.ID, Job: old.Job, MySQLStarted: true, StartedBy: startedByService})
	}
	return found, nil
}

func (a *Agent) startRecorded(ctx context.Context, store *state.Store, old state.Run) (err error) {
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	lock, err := instance.LockDataDir(wait, old.Intent.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	server, err := a.openRecorded(old)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	server.MayBeStopping(old.Intent.PID, asksUntil(old.Intent))
	if err := server.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return store.UpdateRun(old.ID, func(s *state.Run) error {
		s.Intent.StartedBy, s.UpAgain = startedByService, a.now().UTC()
		s.Intent.Disarmed = len(s.Intent.Settings) == 0
		return nil
	})
}

// asksUntil is when a stop command of the job's own has had its time.
func asksUntil(in *state.Intent) time.Time {
	if !in.AsksLate {
		return time.Time{}
	}
	return in.Written.Add(in.StopLimit)
}

// openRecorded prepares the server of a dead run from its record.
func (a *Agent) openRecorded(old state.Run) (*server, error) {
	in := old.Intent
	m := job.MySQL{Host: in.Host, Port: in.Port, Socket: in.Socket, DataDir: in.DataDir,
		Service: job.Service{Kind: in.Service, Start: in.Start, Unit: in.Unit}}
	sql, err := mysql.Open(m)
	if err != nil {
		return nil, err
	}
	manager, err := service.New(m.Service, service.Options{LogDir: a.logDir(), Name: old.Job})
	if err != nil {
		return nil, errors.Join(err, sql.Close())
	}
	return &server{Server: sql, Instance: &instance.Instance{
		Server: anyAnswer{sql}, Service: manager, DataDir: in.DataDir,
		StopTimeout: in.StopLimit, StartTimeout: in.StartLimit, Log: a.o.Log,
	}}, nil
}

// anyAnswer takes a server that refuses to let us in for one that is up.
type anyAnswer struct{ *mysql.Server }

// Ping implements instance.Server.
func (s anyAnswer) Ping(ctx context.Context) error {
	if err := s.Server.Ping(ctx); !errs.Is(err, errs.Permission) {
		return err
	}
	return nil
}

// stoppedSince reports whether a server that was brought up again is down now: whoever has stopped it means it.
func (r *running) stoppedSince() bool {
	pid, err := r.server.Holder()
	return err == nil && pid == 0
}

// letBe closes the matter of a run whose server was up again in between.
func (r *running) letBe(old state.Run) error {
	r.o.Log.Warn("MySQL was up again after this run and is down now: it stays down", "run", old.ID)
	return r.store.UpdateRun(old.ID, func(s *state.Run) error { s.Intent.Disarmed = true; return nil })
}
