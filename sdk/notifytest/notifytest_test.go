package notifytest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/notifytest"
)

const secret = "s3cret"

// poster is a notifier that keeps every promise, except the one that a test switches off.
type poster struct {
	address string
	broken  string // the case whose promise is not kept
	timeout time.Duration
}

func (p *poster) breaks(name string) bool { return p.broken == name }

func (p *poster) Send(ctx context.Context, e notify.Event) error {
	if e.ID == "" && !p.breaks("without-id") {
		return errs.New(errs.Invalid, "no id")
	}
	p.spoil(&e)
	err := p.attempt(ctx, e)
	if err != nil && p.breaks("one-attempt") {
		_ = p.attempt(ctx, e)
	}
	kinds := map[string]errs.Kind{"refused": errs.Transient, "denied": errs.Permanent, "broken": errs.Permanent,
		"dropped": errs.Permanent, "unreachable": errs.Permanent, "throttled": errs.Throttled}
	if kind, ok := kinds[p.broken]; ok && err != nil {
		return errs.New(kind, "failed")
	}
	if err != nil && p.breaks("no-secrets") {
		return fmt.Errorf("post to /%s: %w", secret, err)
	}
	return err
}

// spoil changes an event before it is sent.
func (p *poster) spoil(e *notify.Event) {
	switch p.broken {
	case "delivers":
		e.Detail = ""
	case "two-events":
		e.ID = "always the same"
	case "same-event-twice":
		e.ID = strconv.Itoa(int(time.Now().UnixNano()))
	}
}

func (p *poster) attempt(ctx context.Context, e notify.Event) error {
	if p.breaks("cancel") {
		ctx = context.WithoutCancel(ctx)
	}
	attempt, cancel := context.WithTimeout(ctx, p.timeout)
	if p.breaks("timeout") {
		attempt, cancel = context.WithTimeout(ctx, p.timeout+2500*time.Millisecond)
	}
	defer cancel()
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(attempt, http.MethodPost, p.address+"/"+secret, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Id", e.ID)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errs.New(errs.Transient, "no answer")
	}
	defer resp.Body.Close()
	if p.breaks("flood") {
		ctx, cancel := context.WithTimeout(context.Background(), p.timeout+2500*time.Millisecond)
		defer cancel()
		<-ctx.Done()
	} else {
		_, _ = io.CopyN(io.Discard, resp.Body, 1000)
	}
	return p.judge(resp)
}

func (p *poster) judge(resp *http.Response) error {
	err := errors.New(resp.Status)
	switch {
	case resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return &errs.Error{Kind: errs.Throttled, RetryAfter: time.Duration(seconds) * time.Second, Err: err}
	case resp.StatusCode == http.StatusUnauthorized:
		return errs.Wrap(errs.Permission, err, "post")
	case resp.StatusCode >= 500:
		return errs.Wrap(errs.Transient, err, "post")
	}
	return errs.Wrap(errs.Permanent, err, "post")
}

func subject(broken string) notifytest.Subject {
	return notifytest.Subject{
		Receiver: func(t notifytest.T) notifytest.Receiver { return notifytest.NewHTTP(t, "Id") },
		Open: func(_ notifytest.T, r notifytest.Receiver) notify.Notifier {
			p := &poster{address: r.Address(), broken: broken, timeout: 300 * time.Millisecond}
			switch broken {
			case "odd-text":
				return refusing{p, func(e notify.Event) bool { return len(e.Detail) > 10_000 }}
			case "parallel":
				return losing{p}
			}
			return p
		},
		Secrets: []string{secret}, Timeout: 300 * time.Millisecond,
	}
}

// refusing fails for some events.
type refusing struct {
	*poster
	refuses func(notify.Event) bool
}

func (r refusing) Send(ctx context.Context, e notify.Event) error {
	if r.refuses(e) {
		return errs.New(errs.Invalid, "refused")
	}
	return r.poster.Send(ctx, e)
}

// losing loses an event, as one that is not made for several goroutines may.
type losing struct{ *poster }

func (l losing) Send(ctx context.Context, e notify.Event) error {
	if e.ID == "event-3" {
		return nil
	}
	return l.poster.Send(ctx, e)
}

func TestGoodNotifierPasses(t *testing.T) { notifytest.Run(t, subject("")) }

// TestBrokenNotifiersFail breaks one promise at a time; the case that guards it must notice.
func TestBrokenNotifiersFail(t *testing.T) {
	for _, c := range notifytest.Cases(subject("")) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel() // most of the time is waiting
			for _, broken := range notifytest.Cases(subject(c.Name)) {
				if broken.Name != c.Name {
					continue
				}
				if r := conformance.Run(t.Context(), broken, time.Minute); r.Passed {
					t.Errorf("the case passes a notifier that breaks the promise: %s", c.Doc)
				}
			}
		})
	}
}
