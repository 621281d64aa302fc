package step

import "context"

// Restart brings MySQL up again, unless it was down before the run.
type Restart struct {
	Backup   *Backup
	Instance Instance
	Now      Clock
}

// Name implements run.Step.
func (*Restart) Name() string { return "restart" }

// Do returns when the server answers a query. Whoever cancels the run wants just that, so it goes on; start_timeout
// bounds it.
func (r *Restart) Do(ctx context.Context) error {
	if r.Backup.Downtime.Began.IsZero() {
		return nil
	}
	if err := r.Instance.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	r.Backup.Downtime.Ended = r.Now()
	return nil
}
