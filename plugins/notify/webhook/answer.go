package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// maxRetryAfter bounds what a receiver may ask for.
const maxRetryAfter = 24 * time.Hour

// judge turns a response into the outcome of an attempt.
func judge(resp *http.Response, now time.Time, what string) error {
	status := resp.StatusCode
	after, asked := retryAfter(resp.Header.Get("Retry-After"), now)
	kind := errs.Permanent
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable && asked:
		return &errs.Error{Kind: errs.Throttled, Op: what, RetryAfter: after, Err: errors.New(describe(status))}
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		kind = errs.Transient
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		kind = errs.Permission
	}
	return errs.Wrap(kind, errors.New(describe(status)), "%s", what)
}

func describe(status int) string {
	text := "the receiver answered " + strconv.Itoa(status) + " " + http.StatusText(status)
	if status >= 300 && status < 400 {
		text += ": a redirect is followed only with 307 or 308 and to the same host"
	}
	return text
}

// retryAfter reads the header of that name: seconds, or a date (RFC 9110, 10.2.3).
func retryAfter(text string, now time.Time) (after time.Duration, ok bool) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, int64(maxRetryAfter/time.Second))) * time.Second, true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}

// connectionKind classifies a request that got no response. Only ctx, not the attempt's own timeout, makes it Canceled.
func connectionKind(ctx context.Context, err error) errs.Kind {
	var certificate *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return errs.Canceled
	case errors.As(err, &certificate):
		return errs.Permanent
	}
	return errs.Transient
}

// withoutURL returns what net/http wraps together with the address, which must not show.
func withoutURL(err error) error {
	var e *url.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Timeout() {
		return errors.New("no answer in time")
	}
	return e.Err
}

// sameHost is the policy for redirects: only those that repeat the POST, and only to the same scheme and host.
func sameHost(req *http.Request, via []*http.Request) error {
	from := via[len(via)-1].URL
	repeats := req.Response != nil && (req.Response.StatusCode == http.StatusTemporaryRedirect ||
		req.Response.StatusCode == http.StatusPermanentRedirect)
	if !repeats || len(via) > 3 || req.URL.Scheme != from.Scheme || req.URL.Host != from.Host {
		return http.ErrUseLastResponse
	}
	return nil
}
