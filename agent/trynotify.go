package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// Notified tells how the test message of one notifier ended. Its JSON keys are a contract.
type Notified struct {
	Notifier  string `json:"notifier"` // its label in the job file
	Type      string `json:"type"`
	Delivered bool   `json:"delivered"` // the other side has accepted it
	Error     string `json:"error,omitempty"`
}

// TryNotifiers sends a test message through the job's notifiers, whatever events they are for; label "" means all of
// them. Its error joins those of the notifiers that failed.
func (a *Agent) TryNotifiers(ctx context.Context, j job.Job, label string) ([]Notified, error) {
	if label != "" && !slices.ContainsFunc(j.Notify, func(n job.Notify) bool { return n.Label == label }) {
		return []Notified{}, fmt.Errorf("job %q has no notifier %q", j.Name, label)
	}
	id, err := newID(j.Name, a.now().UTC())
	if err != nil {
		return []Notified{}, err
	}
	e := notify.Event{
		ID: id + "-test", Type: "test", Severity: notify.Info, Time: a.now().UTC(), Host: hostName(), Job: j.Name,
		Summary: fmt.Sprintf("test message of job %q: this notifier works", j.Name),
		Detail:  "Somebody asked drydock to send this. Nothing has happened, and nothing is to be done.",
	}
	told, failed := []Notified{}, []error{}
	for _, n := range j.Notify {
		if label != "" && n.Label != label {
			continue
		}
		one := Notified{Notifier: n.Label, Type: n.Type}
		if err := a.send(ctx, n, e); err != nil {
			one.Error = err.Error()
			failed = append(failed, fmt.Errorf("notifier %q: %w", n.Label, err))
		}
		one.Delivered = one.Error == ""
		told = append(told, one)
	}
	return told, errors.Join(failed...)
}
