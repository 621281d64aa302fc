// Package notify is the contract of a notifier: it tells people (or their systems) what happened.
//
// Send may be called from several goroutines at once, must return soon after its context ends, and classifies its
// errors with package errs. Only the agent retries, with the same event id, so that a receiver can drop duplicates.
package notify

import (
	"context"
	"time"
)

// Notifier is what every notifier implements.
type Notifier interface {
	// Send delivers one event. It returns nil only when the other side has accepted it.
	Send(ctx context.Context, e Event) error
}

// Severity says how loud an event is.
type Severity string

// The severities.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Event is one thing that happened.
type Event struct {
	ID       string            `json:"id"`   // the same for every attempt to deliver this event
	Type     string            `json:"type"` // success, failure, mysql-down, recovered, missed, test
	Severity Severity          `json:"severity"`
	Time     time.Time         `json:"time"`
	Host     string            `json:"host"`
	Job      string            `json:"job,omitempty"`
	Run      string            `json:"run,omitempty"`
	Summary  string            `json:"summary"`          // one line
	Detail   string            `json:"detail,omitempty"` // several lines; what to do about it
	Fields   map[string]string `json:"fields,omitempty"`
}
