package step

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drydock-backup/drydock/agent/mysql"
)

// Stop takes MySQL down, after it has written down how to bring it up again.
type Stop struct {
	Backup   *Backup
	Instance Instance
	Server   Server
	Journal  Journal
	Guardian Guardian
	Now      Clock
}

// Name implements run.Step.
func (*Stop) Name() string { return "stop" }

// Do writes the intent, arms the guardian, then stops the server. When it returns, the process is gone and the data directory is free.
func (s *Stop) Do(ctx context.Context) error {
	was := s.Backup.Survey
	intent := Intent{
		WasRunning: was.Running, PID: was.PID, MySQL: s.Backup.Job.MySQL,
		Facts: was.Facts, Settings: was.Settings, At: s.Now(),
	}
	if err := s.Journal.SaveIntent(ctx, intent); err != nil {
		return fmt.Errorf("write the intent: %w", err)
	}
	if !was.Running {
		return s.stillDown()
	}
	if err := s.Guardian.Arm(ctx, intent); err != nil {
		return errors.Join(err, s.Journal.Disarm(context.WithoutCancel(ctx))) // nothing was stopped
	}
	s.Backup.Downtime.Began = s.Now()
	err := s.Instance.Stop(ctx)
	var taken *mysql.TakenOverError
	if errors.As(err, &taken) {
		return &TouchedError{Who: taken.Error(), When: "as soon as the server had stopped"}
	}
	return err
}

// stillDown refuses to go on when somebody has started a server that was down at preflight.
func (s *Stop) stillDown() error {
	pid, err := s.Instance.Holder()
	if err == nil && pid != 0 {
		err = fmt.Errorf("the server was down at preflight, and now process %d holds %s", pid, s.Backup.Job.MySQL.DataDir)
	}
	return err
}

// Undo makes sure that MySQL is up and as it was, unless that has been confirmed, or it was down before. A server that
// has died again since it was restarted is started once more.
func (s *Stop) Undo(ctx context.Context) error {
	b := s.Backup
	if b.Downtime.Began.IsZero() || b.Downtime.Confirmed {
		return nil
	}
	if !b.Downtime.Ended.IsZero() {
		err := s.Instance.Answers(ctx)
		if err == nil && b.PutBack || errors.Is(err, mysql.ErrLoginRefused) {
			return nil // what is wrong has been told
		}
		if err != nil {
			b.Downtime.Ended, b.PutBack = time.Time{}, false
		}
	}
	if b.Downtime.Ended.IsZero() {
		restart := Restart{Backup: b, Instance: s.Instance, Now: s.Now}
		if err := restart.Do(ctx); err != nil {
			return err
		}
	}
	confirm := Confirm{Backup: b, Instance: s.Instance, Server: s.Server, Journal: s.Journal, Guardian: s.Guardian}
	return confirm.Do(ctx)
}
