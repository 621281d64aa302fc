package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/transport"
)

// skewWorthTelling is a difference of clocks that explains a refusal: S3 takes 15 minutes.
const skewWorthTelling = 5 * time.Minute

// place is what errors call the target.
func (s *Storage) place() string { return "s3://" + s.cfg.Bucket + "/" + s.cfg.Prefix }

// fail says what was tried, and where, and keeps the kind and the wait. It returns nil for nil.
func (s *Storage) fail(ctx context.Context, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	kind := errs.KindOf(err)
	if ctx.Err() != nil {
		kind = errs.Canceled
	}
	after, _ := errs.Retryable(err)
	return &errs.Error{Kind: kind, Op: fmt.Sprintf(format, args...) + " in " + s.place(), RetryAfter: after, Err: err}
}

// classify gives an error of the SDK its kind, and a text that says no more than needed. It returns nil for nil.
func (s *Storage) classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return errs.Wrap(errs.Canceled, ctx.Err(), "stopped")
	}
	var answer *smithyhttp.ResponseError
	var api smithy.APIError
	switch {
	case errors.As(err, &api) && api.ErrorCode() == "" && !errors.As(err, &answer): // the machine or container, asked for keys
		kind := errs.Permission
		if api.ErrorFault() == smithy.FaultServer {
			kind = errs.Transient
		}
		return errs.Wrap(kind, root(err), "find credentials and sign the request")
	case errors.As(err, &api):
		errors.As(err, &answer)
		return s.refusal(ctx, err, api.ErrorCode(), api.ErrorMessage(), answer)
	case errors.As(err, &answer) && answer.HTTPStatusCode() > 0: // 0: the connection ended before there was an answer
		return s.refusal(ctx, err, fmt.Sprintf("status %d", answer.HTTPStatusCode()), "", answer)
	}
	if kind, ok := transport.Kind(ctx, err); ok {
		return &errs.Error{Kind: kind, Err: root(err)}
	}
	var signing *smithy.OperationError
	if errors.As(err, &signing) { // before anything was sent: no credentials, a token file that is not there
		return errs.Wrap(errs.Permission, root(err), "find credentials%s and sign the request", s.wanted())
	}
	return errs.Wrap(errs.Permanent, err, "S3")
}

// root leaves the SDK's own wrapping out.
func root(err error) error {
	var op *smithy.OperationError
	if errors.As(err, &op) {
		err = op.Err
	}
	var send *smithyhttp.RequestSendError
	if errors.As(err, &send) {
		err = send.Err
	}
	return err
}

// refusal is what the service said. A HEAD request has no body, so code and message may be no more than the status.
func (s *Storage) refusal(ctx context.Context, err error, code, message string, answer *smithyhttp.ResponseError) error {
	status, header := 0, http.Header{}
	if answer != nil && answer.Response != nil {
		status, header = answer.Response.StatusCode, answer.Response.Header
	}
	kind := kindOf(code, status)
	if kind == errs.Invalid && assumes(err) {
		kind = errs.Permission // a token or a role that the service does not take
	}
	text := code
	if message != "" && message != code {
		text += ": " + message
	}
	if kind == errs.Permission {
		text += because(err, code) + skew(header, time.Now())
		if who := s.identity(ctx); who != "" {
			text += "; asked as " + who
		}
	}
	if isKMS(code) && s.cfg.KMSKey != "" {
		text += fmt.Sprintf("; kms_key is %q", s.cfg.KMSKey)
	}
	if region := header.Get("X-Amz-Bucket-Region"); elsewhere(code, status) && region != "" {
		text += fmt.Sprintf(" (the bucket is in region %q)", region)
	}
	if id := header.Get("X-Amz-Request-Id"); id != "" {
		text += " (request " + id + ")"
	}
	return &errs.Error{Kind: kind, RetryAfter: transport.RetryAfter(header, time.Now()), Err: errors.New(text)}
}

// kindOf classifies an error code of S3 or of a service that is like it; what is not known goes by its status.
func kindOf(code string, status int) errs.Kind {
	switch code {
	case "NoSuchKey", "NoSuchUpload", "NotFound", "NoSuchVersion":
		return errs.NotFound
	case "NoSuchBucket", "InvalidObjectState", "MethodNotAllowed":
		return errs.Permanent
	case "PreconditionFailed":
		return errs.Exists
	case "ConditionalRequestConflict", "OperationAborted", "InternalError", "RequestTimeout", "XMinioServerNotInitialized":
		return errs.Transient
	case "SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded",
		"SlowDownRead", "SlowDownWrite", "XMinioRequestTimeout":
		return errs.Throttled
	case "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody":
		return errs.Corrupt
	case "XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage":
		return errs.NoSpace
	case "RequestTimeTooSkewed", "RequestExpired", "ExpiredToken", "SignatureDoesNotMatch", "InvalidAccessKeyId", "AccessDenied",
		"InvalidToken", "AllAccessDisabled", "ObjectLocked":
		return errs.Permission
	}
	if isKMS(code) {
		return errs.Permanent
	}
	if elsewhere(code, status) {
		return errs.Invalid
	}
	return transport.StatusKind(status)
}

// isKMS reports whether it is the key management that refuses: Amazon's, or MinIO's.
func isKMS(code string) bool {
	return strings.HasPrefix(code, "KMS.") || strings.HasPrefix(code, "kms:")
}

// elsewhere reports whether the bucket is one of another region.
func elsewhere(code string, status int) bool {
	switch code {
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return true
	}
	return status >= 300 && status < 400
}

// skew says so when the clocks differ by more than a signature stands.
func skew(h http.Header, now time.Time) string {
	there, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return ""
	}
	switch d := now.Sub(there).Round(time.Second); {
	case d > skewWorthTelling:
		return fmt.Sprintf("; this host's clock is %s ahead of the service's", d)
	case d < -skewWorthTelling:
		return fmt.Sprintf("; this host's clock is %s behind the service's", -d)
	}
	return ""
}
