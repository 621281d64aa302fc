// Package notifytest is the conformance suite for notifiers: every promise of package notify as a named case.
//
// A notifier speaks to something real, so the suite needs a [Receiver]: a local server that can be told how to answer and
// that keeps what it got. For notifiers that speak HTTP, [NewHTTP] is one.
//
//	notifytest.Run(t, notifytest.Subject{
//		Receiver: func(t notifytest.T) notifytest.Receiver { return notifytest.NewHTTP(t, "Webhook-Id") },
//		Open:     func(t notifytest.T, r notifytest.Receiver) notify.Notifier { return open(t, r.Address()) },
//		Secrets:  []string{"token-in-the-address"},
//	})
//
// [Spawned] opens the notifier in a process of its own, and [Process] adds the cases that concern the process.
package notifytest

import (
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// T is what a case needs of its runner; *testing.T is one.
type T = conformance.T

// Answer is how a receiver treats deliveries.
type Answer string

// The answers. A receiver accepts until it is told otherwise.
const (
	Accept   Answer = "accept"
	Refuse   Answer = "refuse"   // for good: the request itself is wrong
	Deny     Answer = "deny"     // the credentials are wrong
	Break    Answer = "break"    // an internal error, trying again may help
	Drop     Answer = "drop"     // the connection is closed without an answer
	Throttle Answer = "throttle" // come again after RetryAfter
	Hang     Answer = "hang"     // no answer until the case ends
	Flood    Answer = "flood"    // success, followed by a text without end
)

// RetryAfter is how long a receiver asks to wait when it throttles.
const RetryAfter = 7 * time.Second

// Delivery is what a receiver got in one attempt.
type Delivery struct {
	ID   string // the event's id, from where the notifier's protocol carries it
	Text string // everything that a person would see
}

// Receiver is the other side of the notifier under test. It ends with its case.
type Receiver interface {
	// Address is where the notifier sends to.
	Address() string
	// Answer sets how deliveries are answered from now on.
	Answer(a Answer)
	// Deliveries returns what has arrived so far, in every attempt.
	Deliveries() []Delivery
	// Close stops listening.
	Close()
}

// Subject is the notifier under test.
type Subject struct {
	// Receiver starts a receiver for one case.
	Receiver func(t T) Receiver
	// Open returns a notifier that sends to r, configured with the Secrets. Its attempts must time out after Timeout.
	Open func(t T, r Receiver) notify.Notifier
	// Process is the notifier's process, whose cases come first (see conformance.Cases and [Process]); nil leaves them out.
	Process *conformance.Provider
	// Secrets are texts of the configuration that must never show in an error or in what is delivered.
	Secrets []string
	// Timeout is the configured timeout of an attempt; 0 means 1 s.
	Timeout time.Duration
}

// Run runs every case of the suite as a subtest.
func Run(t *testing.T, s Subject) {
	t.Helper()
	conformance.Test(t, Cases(s))
}

// Cases returns the suite for s.
func Cases(s Subject) []conformance.Case {
	if s.Timeout == 0 {
		s.Timeout = time.Second
	}
	var cases []conformance.Case
	if s.Process != nil {
		p := *s.Process
		p.Secrets = append(p.Secrets[:len(p.Secrets):len(p.Secrets)], s.Secrets...)
		cases = conformance.Cases(p)
	}
	for _, c := range list() {
		cases = append(cases, conformance.Case{Name: c.name, Doc: c.doc, Run: func(t T) {
			r := s.Receiver(t)
			c.run(&env{T: t, Receiver: r, Notifier: s.Open(t, r), s: s})
		}})
	}
	return cases
}

type testCase struct {
	name, doc string
	run       func(e *env)
}

func list() []testCase {
	return []testCase{
		{"delivers", "an event arrives once, with its id, summary and detail", delivers},
		{"odd-text", "text of all scripts, of several lines, long or empty, arrives", oddText},
		{"same-event-twice", "an event that is sent again carries the same id, so that it can be told as a duplicate", sameTwice},
		{"two-events", "two events carry two ids", twoEvents},
		{"without-id", "an event without an id is invalid", withoutID},
		{"refused", "an event that the receiver refuses is a permanent error", refused},
		{"denied", "credentials that the receiver refuses are a permission error", denied},
		{"broken", "an error inside the receiver is transient, and the notifier works afterwards", broken},
		{"dropped", "a connection that breaks is transient", dropped},
		{"unreachable", "a receiver that does not listen is transient", unreachable},
		{"throttled", "a receiver that asks to wait is throttled, with the time it asked for", throttled},
		{"timeout", "an attempt without an answer ends by itself and is transient (R9.5)", timeout},
		{"cancel", "a call whose context ends returns within two seconds", cancel},
		{"one-attempt", "one call is one attempt: only the agent tries again", oneAttempt},
		{"flood", "an answer without end does not hold up the call", flood},
		{"parallel", "calls from several goroutines at once all arrive", parallel},
		{"no-secrets", "no error and no delivery shows a secret of the configuration", noSecrets},
	}
}
