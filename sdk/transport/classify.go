package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// maxRetryAfter bounds what a service may ask for: an hour's wait is a failure by another name.
const maxRetryAfter = time.Hour

// StatusKind returns the kind of a failure that a service answered with an HTTP status. A service's own error code says
// more; this is for those that are not known.
func StatusKind(status int) errs.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return errs.Permission
	case http.StatusNotFound, http.StatusGone:
		return errs.NotFound
	case http.StatusPreconditionFailed:
		return errs.Exists
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return errs.Transient
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return errs.Throttled
	case http.StatusInsufficientStorage:
		return errs.NoSpace
	case http.StatusNotImplemented:
		return errs.Unsupported
	}
	switch {
	case status >= 500:
		return errs.Transient
	case status >= 400:
		return errs.Invalid
	}
	return errs.Permanent
}

// RetryAfter returns how long a service asks to wait before the next try, 0 when it does not say: Retry-After in seconds
// or as a date, or the milliseconds that Azure sends.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if ms, err := strconv.ParseInt(h.Get(name), 10, 32); err == nil && ms > 0 {
			return min(time.Duration(ms)*time.Millisecond, maxRetryAfter)
		}
	}
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return min(max(0, time.Duration(seconds)*time.Second), maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), maxRetryAfter)
	}
	return 0
}

// Kind classifies a failure below HTTP, of a request that was made with ctx: a name that is not found, a connection that
// is refused or cut, a certificate that is not trusted. ok is false for an error that is none of these.
func Kind(ctx context.Context, err error) (kind errs.Kind, ok bool) {
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var network net.Error
	var request *url.Error
	var bare *bareError
	switch {
	case err == nil:
		return "", false
	case errors.Is(err, ErrStalled):
		return errs.Transient, true
	case ctx.Err() != nil, errors.Is(err, context.Canceled):
		return errs.Canceled, true
	case errors.As(err, &certificate), errors.As(err, &authority), errors.Is(err, http.ErrSchemeMismatch):
		return errs.Permanent, true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errs.Transient, true
	case errors.As(err, &network), errors.As(err, &request), errors.As(err, &bare):
		return errs.Transient, true
	}
	return "", false
}

// bareError is the error of a request that got no answer.
type bareError struct{ cause error }

func (e *bareError) Error() string { return e.cause.Error() }
func (e *bareError) Unwrap() error { return e.cause }

// Bare takes the address off an error of an http.Client: it is long, says nothing that the operation does not, and may hold a
// secret. Other errors come back as they are. Kind knows the error as before: most that a connection ends with have no type
// of their own.
func Bare(err error) error {
	var where *url.Error
	if errors.As(err, &where) {
		return &bareError{where.Err}
	}
	return err
}
