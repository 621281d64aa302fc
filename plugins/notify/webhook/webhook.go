package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// version is sent as part of the User-Agent.
const version = "1.0.0"

// bodyLimit is how much of a response is read, in bytes, so that its connection can be used again.
const bodyLimit = 64 << 10

// Config is the provider's configuration.
type Config struct {
	URL     schema.Secret            `hcl:"url" example:"https://hooks.example.com/drydock/TOKEN" doc:"Address that events are posted to, http or https."`
	Secret  schema.Secret            `hcl:"secret,optional" doc:"Key of the HMAC-SHA256 signature in the header webhook-signature (Standard Webhooks), as whsec_BASE64 or as plain text. Without it nothing is signed."`
	Headers map[string]schema.Secret `hcl:"headers,optional" example:"Authorization" doc:"Further headers of each request."`
	Timeout time.Duration            `hcl:"timeout,optional" default:"10s" doc:"How long one attempt may take."`
	CAFile  string                   `hcl:"ca_file,optional" example:"/etc/drydock/pki/ca.pem" doc:"File of PEM certificates to trust besides those of the system."`
}

// Provider returns the notifier "webhook".
func Provider() notify.Provider {
	return notify.NewProvider("webhook", version,
		"Posts each event as JSON to a web address, signed as Standard Webhooks has it when a secret is configured.",
		func(_ context.Context, cfg *Config) (notify.Notifier, error) { return New(*cfg, time.Now) })
}

// Notifier posts events. It is safe for concurrent use.
type Notifier struct {
	url     *url.URL
	key     []byte // nil: nothing is signed
	headers http.Header
	timeout time.Duration
	client  *http.Client
	now     func() time.Time
}

// New returns the notifier for a configuration. Mistakes in it are errors that point at the attribute. now gives the time
// of an attempt.
func New(c Config, now func() time.Time) (*Notifier, error) {
	n := &Notifier{timeout: c.Timeout, now: now}
	var err error
	if n.url, err = parseURL(c.URL.Reveal()); err != nil {
		return nil, err
	}
	if n.key, err = parseSecret(c.Secret.Reveal()); err != nil {
		return nil, err
	}
	if n.headers, err = parseHeaders(c.Headers); err != nil {
		return nil, err
	}
	if c.Timeout <= 0 {
		return nil, schema.Invalid("timeout", "timeout is not positive", `Write for example "10s".`)
	}
	transport, err := newTransport(c.CAFile)
	if err != nil {
		return nil, err
	}
	n.client = &http.Client{Transport: transport, CheckRedirect: sameHost}
	return n, nil
}

// Close closes connections that are kept open for the next event.
func (n *Notifier) Close() error {
	n.client.CloseIdleConnections()
	return nil
}

// Send posts one event. An event without an id is errs.Invalid.
func (n *Notifier) Send(ctx context.Context, e notify.Event) error {
	what := fmt.Sprintf("post event %s to %s://%s", e.ID, n.url.Scheme, n.url.Host)
	if !isHeaderValue(e.ID) || e.ID == "" {
		return errs.New(errs.Invalid, "post event: its id %q cannot be a header", e.ID)
	}
	body, err := json.Marshal(e)
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "%s", what)
	}
	attempt, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	req, err := n.request(attempt, e.ID, body)
	if err != nil {
		return errs.Wrap(errs.Invalid, withoutURL(err), "%s", what)
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return errs.Wrap(connectionKind(ctx, err), withoutURL(err), "%s", what)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, bodyLimit) // the status has decided already
	return judge(resp, n.now(), what)
}

// request makes the signed request of one attempt.
func (n *Notifier) request(ctx context.Context, id string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "drydock-webhook/"+version)
	for name, values := range n.headers {
		req.Header[name] = values
	}
	timestamp := fmt.Sprint(n.now().Unix())
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", timestamp)
	req.Header.Set("Idempotency-Key", id)
	if n.key != nil {
		req.Header.Set("Webhook-Signature", sign(n.key, id, timestamp, body))
	}
	return req, nil
}
