package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/transport"
)

// ServiceError is what the service answered.
type ServiceError struct {
	Status  int    // of HTTP
	Code    string // the service's own, such as BlobNotFound; may be empty
	Request string // the service's number of the request, which its support asks for
}

// Error returns code, status and request.
func (e *ServiceError) Error() string {
	text := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		text = fmt.Sprintf("%s (%d)", e.Code, e.Status)
	}
	if e.Request != "" {
		text += ", request " + e.Request
	}
	return text
}

// fail says what was tried, in which container, and gives err its kind. It returns nil for nil.
func (s *Storage) fail(ctx context.Context, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	op := fmt.Sprintf("%s in container %s of account %s", fmt.Sprintf(format, args...), s.cfg.Container, s.cfg.Account)
	var own *errs.Error
	if errors.As(err, &own) {
		return &errs.Error{Kind: own.Kind, Op: op, RetryAfter: own.RetryAfter, Err: err}
	}
	if answer := serviceError(err); answer != nil {
		var raw *azcore.ResponseError
		after := time.Duration(0)
		if errors.As(err, &raw) && raw.RawResponse != nil {
			after = transport.RetryAfter(raw.RawResponse.Header, time.Now())
		}
		return &errs.Error{Kind: kindOf(answer), Op: op, RetryAfter: after, Err: s.asked(kindOf(answer), answer)}
	}
	if kind, ok := transport.Kind(ctx, err); ok {
		return &errs.Error{Kind: kind, Op: op, Err: err}
	}
	var refused *azidentity.AuthenticationFailedError
	if errors.As(err, &refused) {
		kind := identityKind(refused)
		return &errs.Error{Kind: kind, Op: op, Err: s.asked(kind, errors.New(cloud.OneLine(refused.Error())))}
	}
	return &errs.Error{Kind: errs.Permanent, Op: op, Err: errors.New(cloud.OneLine(err.Error()))}
}

// asked adds to a refusal in whose name was asked. What is held is refused to everybody.
func (s *Storage) asked(kind errs.Kind, err error) error {
	var answer *ServiceError
	if kind != errs.Permission || errors.As(err, &answer) && answer.Code == string(bloberror.BlobImmutableDueToPolicy) {
		return err
	}
	return fmt.Errorf("%w; asked as %s", err, s.identity())
}

// identityKind tells an identity service that is in trouble from one that says no.
func identityKind(e *azidentity.AuthenticationFailedError) errs.Kind {
	if e.RawResponse == nil || e.RawResponse.StatusCode >= http.StatusInternalServerError ||
		e.RawResponse.StatusCode == http.StatusTooManyRequests {
		return errs.Transient
	}
	return errs.Permission
}

// serviceError returns what the service answered, nil when it did not.
func serviceError(err error) *ServiceError {
	var e *azcore.ResponseError
	if !errors.As(err, &e) {
		return nil
	}
	answer := &ServiceError{Status: e.StatusCode, Code: e.ErrorCode}
	if e.RawResponse != nil {
		answer.Request = e.RawResponse.Header.Get("X-Ms-Request-Id")
	}
	return answer
}

// kindOf classifies an answer of the service.
func kindOf(e *ServiceError) errs.Kind {
	switch bloberror.Code(e.Code) {
	case bloberror.BlobImmutableDueToPolicy, bloberror.AuthenticationFailed, bloberror.InvalidAuthenticationInfo,
		bloberror.NoAuthenticationInformation:
		return errs.Permission
	case bloberror.BlobAlreadyExists, bloberror.ConditionNotMet, bloberror.UnauthorizedBlobOverwrite:
		return errs.Exists
	case bloberror.MD5Mismatch, bloberror.CRC64Mismatch:
		return errs.Transient // the bytes were changed on their way; the chunk itself has been looked at before
	case bloberror.ServerBusy, bloberror.SnapshotOperationRateExceeded:
		return errs.Throttled
	case bloberror.OperationTimedOut, bloberror.InternalError, bloberror.ContainerBeingDeleted:
		return errs.Transient
	case bloberror.BlockCountExceedsLimit, bloberror.RequestBodyTooLarge, bloberror.BlockListTooLong:
		return errs.Invalid
	case bloberror.AccountIsDisabled, bloberror.ContainerDisabled, bloberror.ResourceTypeMismatch, bloberror.BlobArchived,
		bloberror.BlobBeingRehydrated:
		return errs.Permanent
	}
	if e.Status == http.StatusConflict {
		return errs.Permanent
	}
	return transport.StatusKind(e.Status)
}

// is reports whether the service answered with one of the codes.
func is(err error, codes ...bloberror.Code) bool { return bloberror.HasCode(err, codes...) }

// missing reports whether there is no such blob. To HEAD the service answers without a code, so the status counts; a
// container that does not exist is another matter.
func missing(err error) bool {
	e := serviceError(err)
	return e != nil && e.Status == http.StatusNotFound && e.Code != string(bloberror.ContainerNotFound)
}
