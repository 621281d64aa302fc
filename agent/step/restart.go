package step

import (
	"context"
	"errors"

	"github.com/drydock-backup/drydock/agent/mysql"
)

// Restart brings MySQL up again, unless it was down before the run.
type Restart struct {
	Backup   *Backup
	Instance Instance
	Now      Clock
}

// Name implements run.Step.
func (*Restart) Name() string { return "restart" }

// Do returns when the server answers a query. A cancellation does not cut it short: it would only have to begin anew.
func (r *Restart) Do(ctx context.Context) error {
	if r.Backup.Downtime.Began.IsZero() {
		return nil
	}
	err := r.Instance.Start(context.WithoutCancel(ctx))
	if err == nil || errors.Is(err, mysql.ErrLoginRefused) { // refused or not, it serves
		r.Backup.Downtime.Ended = r.Now()
	}
	return err
}
