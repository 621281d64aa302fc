package gcs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/auth"
	"google.golang.org/api/googleapi"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/transport"
)

// ServiceError is what the service answered.
type ServiceError struct {
	Status int    // of HTTP
	Reason string // the service's own word, such as notFound; may be empty
	Text   string // what it says; the missing permission, for example
}

// Error returns all of it.
func (e *ServiceError) Error() string {
	text := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if e.Reason != "" {
		text = fmt.Sprintf("%s (%d)", e.Reason, e.Status)
	}
	if e.Text != "" {
		text += ": " + cloud.OneLine(e.Text)
	}
	return text
}

// fail says what was tried, in which bucket, and gives err its kind. It returns nil for nil.
func (s *Storage) fail(ctx context.Context, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	op := fmt.Sprintf("%s in bucket %s", fmt.Sprintf(format, args...), s.cfg.Bucket)
	var own *errs.Error
	if errors.As(err, &own) {
		return &errs.Error{Kind: own.Kind, Op: op, RetryAfter: own.RetryAfter, Err: err}
	}
	var answer *googleapi.Error
	if errors.As(err, &answer) {
		e := serviceError(answer)
		return &errs.Error{Kind: kindOf(e), Op: op, RetryAfter: transport.RetryAfter(answer.Header, time.Now()), Err: s.asked(e)}
	}
	var token *tokenError
	if errors.As(err, &token) && ctx.Err() == nil {
		told := fmt.Errorf("%s; asked as %s", cloud.OneLine(token.Error()), s.cfg.identity())
		return &errs.Error{Kind: tokenKind(ctx, token), Op: op, Err: told}
	}
	kind, ok := transport.Kind(ctx, err)
	if !ok {
		kind = errs.Permanent
	}
	return &errs.Error{Kind: kind, Op: op, Err: transport.Bare(err)}
}

// asked adds to a refusal in whose name was asked. What is held is refused to everybody.
func (s *Storage) asked(e *ServiceError) error {
	if kindOf(e) != errs.Permission || held(e) {
		return e
	}
	return fmt.Errorf("%w; asked as %s", e, s.cfg.identity())
}

// held reports whether an object is refused because it is retained or held.
func held(e *ServiceError) bool {
	return e.Reason == "retentionPolicyNotMet" || e.Reason == "objectUnderActiveHold"
}

// tokenKind tells an identity service that is in trouble from one that says no.
func tokenKind(ctx context.Context, err error) errs.Kind {
	var refused *auth.Error
	if errors.As(err, &refused) {
		if refused.Response != nil && transport.StatusKind(refused.Response.StatusCode) == errs.Transient || refused.Temporary() {
			return errs.Transient
		}
		return errs.Permission
	}
	if kind, ok := transport.Kind(ctx, err); ok {
		return kind
	}
	return errs.Permission
}

func serviceError(e *googleapi.Error) *ServiceError {
	answer := &ServiceError{Status: e.Code, Text: e.Message}
	if len(e.Errors) > 0 {
		answer.Reason = e.Errors[0].Reason
	}
	return answer
}

// kindOf classifies an answer of the service.
func kindOf(e *ServiceError) errs.Kind {
	switch e.Reason {
	case "rateLimitExceeded", "userRateLimitExceeded", "slowDown":
		return errs.Throttled
	case "quotaExceeded", "storageQuotaExceeded":
		return errs.NoSpace
	case "conditionNotMet":
		return errs.Exists
	}
	if held(e) {
		return errs.Permission
	}
	if e.Status == http.StatusConflict {
		return errs.Transient // two changes of one thing at the same time
	}
	return transport.StatusKind(e.Status)
}

// status returns what the service answered, 0 when it did not.
func status(err error) int {
	var answer *googleapi.Error
	if errors.As(err, &answer) {
		return answer.Code
	}
	return 0
}

// missing reports whether there is no such object. A bucket that does not exist is another matter.
func missing(err error) bool {
	var answer *googleapi.Error
	if !errors.As(err, &answer) || answer.Code != http.StatusNotFound {
		return false
	}
	return !strings.Contains(answer.Message, "bucket does not exist")
}
