package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/retry"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// notifyLimit bounds one notifier, with its retries.
const notifyLimit = time.Minute

// notify tells those who asked for events of this type. A failing notifier is logged and never fails a backup. A caller
// who has given up does not keep people from being told.
func (r *running) notify(ctx context.Context, e notify.Event) {
	ctx = context.WithoutCancel(ctx)
	for _, n := range r.b.Job.Notify {
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
	policy := retry.Policy{Tries: 4, Total: notifyLimit, Timeout: notifyLimit / 2}
	return policy.Do(ctx, 0, func(ctx context.Context) error { return sender.Send(ctx, e) }, nil)
}

// ended describes the end of a run. Its id stays the same when it is sent again.
func (r *running) ended(out Outcome, failure error) notify.Event {
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
	if out.Pages != nil && out.Pages.Damaged > 0 {
		e.Fields["damaged_pages"] = fmt.Sprint(out.Pages.Damaged)
	}
	switch {
	case downOf(failure) != nil:
		isDown(&e, fmt.Sprintf("MySQL IS DOWN after a backup of job %q", r.b.Job.Name), failure)
	case failure == nil:
		e.Type, e.Severity = "success", notify.Info
		e.Summary = fmt.Sprintf("backup of job %q is stored and proven", r.b.Job.Name)
	default:
		e.Detail = failure.Error()
	}
	switch out.Status {
	case StatusPartial:
		e.Summary = fmt.Sprintf("backup of job %q is stored, but not everywhere", r.b.Job.Name)
	case StatusDamaged:
		e.Severity = notify.Critical
		e.Summary = fmt.Sprintf("THE DATABASE IS DAMAGED: the backup of job %q is stored, with %d damaged pages; MySQL is up",
			r.b.Job.Name, out.Pages.Damaged)
	case StatusWaiting:
		e.Summary = fmt.Sprintf("backup of job %q waits on its host: no target has it yet; MySQL is up", r.b.Job.Name)
	}
	return e
}

// typeDown is the type of the event that MySQL is down.
const typeDown = "mysql-down"

// isDown makes an event that MySQL is down, with what to do about it.
func isDown(e *notify.Event, summary string, failure error) {
	e.Type, e.Severity, e.Summary, e.Detail = typeDown, notify.Critical, summary, failure.Error()
	var g *guided
	if errors.As(failure, &g) {
		e.Detail += "\n\n" + g.Guide()
	}
}

// recovered describes how the server of a run that died, or could not bring it back, has come up again.
func (r *running) recovered(old state.Run) notify.Event {
	now := r.now().UTC()
	e := notify.Event{
		ID: old.ID + "-recovered", Type: "recovered", Severity: notify.Warning, Time: now, Host: hostName(), Job: old.Job, Run: old.ID,
		Summary: fmt.Sprintf("MySQL is up again; a run of job %q had stopped it and not brought it back", old.Job),
		Detail:  "The run did not end as it should: see its error in drydock runs, and the logs of this host.",
		Fields:  map[string]string{"status": string(old.Status)},
	}
	up := old.UpAgain // when a guardian has done it
	if up.IsZero() {
		up = now
	}
	if !old.DownSince.IsZero() {
		e.Fields["downtime"] = fmt.Sprintf("%.1fs", up.Sub(old.DownSince).Seconds())
	}
	return e
}

// notRecovered describes that the server of such a run is still not as it was.
func (r *running) notRecovered(old state.Run, failure error) notify.Event {
	e := notify.Event{
		ID: old.ID + "-not-recovered", Type: "failure", Severity: notify.Warning, Time: r.now().UTC(), Host: hostName(),
		Job: old.Job, Run: old.ID, Detail: failure.Error(),
		Summary: fmt.Sprintf("MySQL is up, but not as it was before a run of job %q", old.Job),
	}
	if downOf(failure) != nil {
		isDown(&e, fmt.Sprintf("MySQL IS STILL DOWN: a run of job %q had stopped it, and it does not start", old.Job), failure)
	}
	return e
}
