package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
	case errors.As(err, &api):
		errors.As(err, &answer)
		return refusal(err, api.ErrorCode(), api.ErrorMessage(), answer)
	case errors.As(err, &answer) && answer.HTTPStatusCode() > 0: // 0: the connection ended before there was an answer
		return refusal(err, fmt.Sprintf("status %d", answer.HTTPStatusCode()), "", answer)
	}
	if kind, ok := transport.Kind(ctx, err); ok {
		return &errs.Error{Kind: kind, Err: root(err)}
	}
	var signing *smithy.OperationError
	if errors.As(err, &signing) { // before anything was sent: no credentials, a token file that is not there
		return errs.Wrap(errs.Permission, root(err), "find credentials and sign the request")
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
func refusal(err error, code, message string, answer *smithyhttp.ResponseError) error {
	status, header := 0, http.Header{}
	if answer != nil && answer.Response != nil {
		status, header = answer.Response.StatusCode, answer.Response.Header
	}
	kind := kindOf(code, status)
	text := code
	if message != "" && message != code {
		text += ": " + message
	}
	if kind == errs.Permission {
		text += needs(err) + skew(header, time.Now())
	}
	if region := header.Get("X-Amz-Bucket-Region"); kind == errs.Invalid && region != "" {
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
	case "NoSuchBucket", "InvalidObjectState", "MethodNotAllowed", "KMS.DisabledException", "KMS.NotFoundException":
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
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return errs.Invalid
	}
	if status >= 300 && status < 400 {
		return errs.Invalid // a bucket of another region
	}
	return transport.StatusKind(status)
}

// needs names the permission that the refused operation takes.
func needs(err error) string {
	var op *smithy.OperationError
	if !errors.As(err, &op) {
		return ""
	}
	if p := permission(op.OperationName); p != "" {
		return "; it takes the permission " + p
	}
	return ""
}

func permission(operation string) string {
	return map[string]string{
		"HeadObject": "s3:GetObject (and s3:ListBucket, without which a missing object looks forbidden)", "GetObject": "s3:GetObject",
		"CreateMultipartUpload": "s3:PutObject (and s3:PutObjectTagging, s3:PutObjectRetention or s3:PutObjectLegalHold for what the job " +
			"sets, and kms:GenerateDataKey for a KMS key)",
		"UploadPart": "s3:PutObject", "CompleteMultipartUpload": "s3:PutObject", "PutObject": "s3:PutObject",
		"ListParts": "s3:ListMultipartUploadParts", "AbortMultipartUpload": "s3:AbortMultipartUpload",
		"ListMultipartUploads": "s3:ListBucketMultipartUploads", "ListObjectsV2": "s3:ListBucket", "DeleteObject": "s3:DeleteObject",
		"PutObjectRetention": "s3:PutObjectRetention", "PutObjectLegalHold": "s3:PutObjectLegalHold",
		"GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
	}[operation]
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
