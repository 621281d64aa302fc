package wire

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// Error is the body of every answer that is no success.
type Error struct {
	Kind       errs.Kind `json:"kind"`
	Message    string    `json:"message"`               // operation, object, cause
	RetryAfter int64     `json:"retry_after,omitempty"` // seconds; with kind throttled
}

// ErrorOf describes err.
func ErrorOf(err error) *Error {
	after, _ := errs.Retryable(err)
	return &Error{Kind: errs.KindOf(err), Message: err.Error(), RetryAfter: int64((after + time.Second - 1) / time.Second)}
}

// Err returns the error that e describes, with its kind. A kind that this side does not know counts as permanent.
func (e *Error) Err() error {
	kind := e.Kind
	if !slices.Contains(errs.Kinds(), kind) {
		kind = errs.Permanent
	}
	after := time.Duration(min(max(e.RetryAfter, 0), 24*3600)) * time.Second
	return &errs.Error{Kind: kind, Op: e.Message, RetryAfter: after}
}

// StatusOf returns the HTTP status of a kind.
func StatusOf(kind errs.Kind) int {
	switch kind {
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Exists:
		return http.StatusConflict
	case errs.Permission:
		return http.StatusForbidden
	case errs.NoSpace:
		return http.StatusInsufficientStorage
	case errs.Throttled:
		return http.StatusTooManyRequests
	case errs.Transient, errs.Canceled:
		return http.StatusServiceUnavailable
	case errs.Invalid:
		return http.StatusBadRequest
	case errs.Corrupt:
		return http.StatusUnprocessableEntity
	case errs.Unsupported:
		return http.StatusMethodNotAllowed
	}
	return http.StatusInternalServerError
}

// kindOf guesses the kind of an answer that did not come from a receiver: something stands in between.
func kindOf(status int) errs.Kind {
	for _, kind := range errs.Kinds() {
		if StatusOf(kind) == status {
			return kind
		}
	}
	switch {
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout, status == http.StatusRequestTimeout:
		return errs.Transient
	case status >= 500:
		return errs.Permanent
	}
	return errs.Invalid
}

// ReadError reads the body of an answer that is no success.
func ReadError(status int, body io.Reader) error {
	var e Error
	text, err := io.ReadAll(io.LimitReader(body, MaxBody))
	if err == nil && json.Unmarshal(text, &e) == nil && e.Kind != "" && e.Message != "" {
		return e.Err()
	}
	return errs.New(kindOf(status), "the server answered %d %s", status, http.StatusText(status))
}
