package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/notify"
)

const (
	notifyLimit = time.Minute // for one notifier, with its retries
	notifyTries = 4
)

// notify tells those who want to know how the run ended. A failing notifier is logged and never fails a backup.
func (r *running) notify(ctx context.Context, j job.Job, out Outcome, failure error) {
	e := r.event(out, failure)
	for _, n := range j.Notify {
		if !slices.Contains(n.On, e.Type) {
			continue
		}
		if err := r.send(ctx, n, e); err != nil {
			r.o.Log.Error("notify", "notifier", n.Label, "event", e.Type, "error", err)
			r.warn(fmt.Sprintf("notifier %q: %v", n.Label, err))
		}
	}
}

func (a *Agent) send(ctx context.Context, n job.Notify, e notify.Event) error {
	ctx, cancel := context.WithTimeout(ctx, notifyLimit)
	defer cancel()
	sender, err := a.o.Plugins.Notifier(ctx, n.Provider)
	if err != nil {
		return err
	}
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		err := sender.Send(ctx, e)
		if _, again := errs.Retryable(err); err != nil && !again {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxTries(notifyTries))
	return err
}

// event describes the end of a run. Its id stays the same when it is sent again.
func (r *running) event(out Outcome, failure error) notify.Event {
	e := notify.Event{
		ID: out.RunID + "-" + string(out.Status), Type: "failure", Severity: notify.Warning, Time: out.Finished,
		Host: hostName(), Job: r.b.Job.Name, Run: out.RunID,
		Summary: fmt.Sprintf("backup of job %q failed; MySQL is up", r.b.Job.Name),
		Fields: map[string]string{
			"status":     string(out.Status),
			"downtime":   fmt.Sprintf("%.1fs", out.DowntimeSeconds),
			"data_bytes": fmt.Sprint(out.DataBytes),
		},
	}
	var down *instance.DownError
	switch {
	case errors.As(failure, &down):
		e.Type, e.Severity = "mysql-down", notify.Critical
		e.Summary = fmt.Sprintf("MySQL IS DOWN after a backup of job %q", r.b.Job.Name)
		e.Detail = fmt.Sprintf("%v\n\n%s\n\nTo bring it back by hand:\n%s", failure, down.LogTail, strings.Join(down.Manual, "\n"))
	case failure == nil:
		e.Type, e.Severity = "success", notify.Info
		e.Summary = fmt.Sprintf("backup of job %q is stored and proven", r.b.Job.Name)
	default:
		e.Detail = failure.Error()
	}
	switch out.Status {
	case StatusPartial:
		e.Summary = fmt.Sprintf("backup of job %q is stored, but not everywhere", r.b.Job.Name)
	case StatusWaiting:
		e.Summary = fmt.Sprintf("backup of job %q waits on its host: no target has it yet; MySQL is up", r.b.Job.Name)
	}
	return e
}
