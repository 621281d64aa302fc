package notifytest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// env is what a case works with.
type env struct {
	T
	Receiver
	notify.Notifier
	s Subject
}

func event(id string) notify.Event {
	return notify.Event{
		ID: id, Type: "failure", Severity: notify.Critical, Time: time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC),
		Host: "db1.example.com", Job: "orders", Run: "run-17", Summary: "backup of orders on db1 did not finish",
		Detail: "The target is full.\nFree some space, then: drydock resume run-17", Fields: map[string]string{"target": "nas"},
	}
}

func (e *env) send(ev notify.Event) {
	e.Helper()
	if err := e.Send(e.Context(), ev); err != nil {
		e.Fatalf("send event %s: %v", ev.ID, err)
	}
}

// arrived demands a number of deliveries and returns them.
func (e *env) arrived(n int) []Delivery {
	e.Helper()
	got := e.Deliveries()
	if len(got) != n {
		e.Fatalf("%d deliveries have arrived; want %d", len(got), n)
	}
	return got
}

func (e *env) fails(a Answer, kind errs.Kind) error {
	e.Helper()
	e.Answer(a)
	err := e.Send(e.Context(), event("event-"+string(a)))
	if err == nil || errs.KindOf(err) != kind {
		e.Errorf("send to a receiver that will %s: error %v of kind %q; want kind %q", a, err, errs.KindOf(err), kind)
	}
	return err
}

func delivers(e *env) {
	ev := event("event-1")
	e.send(ev)
	got := e.arrived(1)[0]
	if got.ID != ev.ID {
		e.Errorf("delivered with id %q; want %q", got.ID, ev.ID)
	}
	for _, want := range []string{ev.Summary, "The target is full.", ev.Job, ev.Host} {
		if !strings.Contains(got.Text, want) {
			e.Errorf("the delivery lacks %q:\n%s", want, got.Text)
		}
	}
}

func oddText(e *env) {
	texts := []string{"", "日本語のお知らせ", "ümläut & <b>markup</b> \"quoted\" 'single' \\ back", "line\nline\r\nline\n.\nline",
		"emoji 🚢", strings.Repeat("long ", 4000), "${x} %s {{.}}"}
	for i, text := range texts {
		ev := event(fmt.Sprint("event-", i))
		ev.Detail = text
		ev.Fields = map[string]string{"odd": text}
		if !strings.ContainsAny(text, "\r\n") && len(text) < 200 {
			ev.Summary = text
		}
		e.send(ev)
	}
	e.send(notify.Event{ID: "event-bare", Type: "test", Severity: notify.Info, Time: time.Now()})
	e.arrived(len(texts) + 1)
}

func sameTwice(e *env) {
	for range 2 {
		e.send(event("event-1"))
	}
	if got := e.arrived(2); got[0].ID != got[1].ID || got[0].ID == "" {
		e.Errorf("the same event arrived with the ids %q and %q", got[0].ID, got[1].ID)
	}
}

func twoEvents(e *env) {
	e.send(event("event-1"))
	e.send(event("event-2"))
	if got := e.arrived(2); got[0].ID == got[1].ID {
		e.Errorf("two events arrived with the same id %q", got[0].ID)
	}
}

func withoutID(e *env) {
	if err := e.Send(e.Context(), event("")); !errs.Is(err, errs.Invalid) {
		e.Errorf("send an event without id: error %v; want invalid", err)
	}
	e.arrived(0)
}

func refused(e *env) { e.works(e.fails(Refuse, errs.Permanent)) }

func denied(e *env) { e.works(e.fails(Deny, errs.Permission)) }

func broken(e *env) { e.works(e.fails(Break, errs.Transient)) }

func dropped(e *env) { e.works(e.fails(Drop, errs.Transient)) }

// works demands that the notifier is fine after an error.
func (e *env) works(error) {
	e.Helper()
	e.Answer(Accept)
	e.send(event("event-afterwards"))
}

func unreachable(e *env) {
	e.Close()
	if err := e.Send(e.Context(), event("event-1")); !errs.Is(err, errs.Transient) {
		e.Errorf("send to a receiver that does not listen: error %v of kind %q; want transient", err, errs.KindOf(err))
	}
}

func throttled(e *env) {
	err := e.fails(Throttle, errs.Throttled)
	if after, ok := errs.Retryable(err); !ok || after != RetryAfter {
		e.Errorf("asked to wait %s, retryable %v; want %s", after, ok, RetryAfter)
	}
	e.works(err)
}

func timeout(e *env) {
	started := time.Now()
	err := e.fails(Hang, errs.Transient)
	if took := time.Since(started); took < e.s.Timeout/2 || took > e.s.Timeout+2*time.Second {
		e.Errorf("an attempt with a timeout of %s ended after %s", e.s.Timeout, took)
	}
	e.works(err)
}

func cancel(e *env) {
	e.Answer(Hang)
	ctx, stop := context.WithTimeout(e.Context(), min(100*time.Millisecond, e.s.Timeout/4))
	defer stop()
	started := time.Now()
	err := e.Send(ctx, event("event-1"))
	if took := time.Since(started); took > 2*time.Second || !errs.Is(err, errs.Canceled) {
		e.Errorf("a cancelled call ended after %s with error %v of kind %q; want canceled", took, err, errs.KindOf(err))
	}
	e.works(err)
}

func oneAttempt(e *env) {
	for i, a := range []Answer{Refuse, Deny, Break, Throttle} {
		e.Answer(a)
		if err := e.Send(e.Context(), event("event-1")); err == nil {
			e.Errorf("send to a receiver that will %s: no error", a)
		}
		e.arrived(i + 1)
	}
}

func flood(e *env) {
	e.Answer(Flood)
	started := time.Now()
	if err := e.Send(e.Context(), event("event-1")); err != nil {
		e.Logf("an answer without end: %v", err)
	}
	if took := time.Since(started); took > e.s.Timeout+2*time.Second {
		e.Errorf("an answer without end took %s", took)
	}
	e.works(nil)
}

func parallel(e *env) {
	const n = 16
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := e.Send(e.Context(), event(fmt.Sprint("event-", i))); err != nil {
				e.Errorf("send event %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, d := range e.arrived(n) {
		seen[d.ID] = true
	}
	if len(seen) != n {
		e.Errorf("%d different events arrived; want %d", len(seen), n)
	}
}

func noSecrets(e *env) {
	var texts []string
	for _, a := range []Answer{Refuse, Deny, Break, Drop, Throttle, Hang} {
		e.Answer(a)
		if err := e.Send(e.Context(), event("event-"+string(a))); err != nil {
			texts = append(texts, err.Error())
		} else {
			e.Errorf("send to a receiver that will %s: no error", a)
		}
	}
	e.Answer(Accept)
	e.send(event("event-1"))
	for _, d := range e.Deliveries() {
		texts = append(texts, d.Text)
	}
	e.Close()
	if err := e.Send(e.Context(), event("event-2")); err != nil {
		texts = append(texts, err.Error())
	}
	for _, text := range texts {
		for _, secret := range e.s.Secrets {
			if strings.Contains(text, secret) {
				e.Errorf("a secret shows in %q", text)
			}
		}
	}
}
