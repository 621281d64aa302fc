// Package wire translates between the types that people program with and the messages of the plugin protocol.
package wire

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/drydock-backup/drydock/sdk/errs"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
)

// maxMessage bounds an error's text in bytes: it travels in HTTP/2 trailers.
const maxMessage = 8 << 10

type mapping struct {
	kind errs.Kind
	wire pb.ErrorKind
	code codes.Code // only for people who look at the wire; the kind decides
}

func mappings() []mapping {
	return []mapping{
		{errs.NotFound, pb.ErrorKind_ERROR_KIND_NOT_FOUND, codes.NotFound},
		{errs.Exists, pb.ErrorKind_ERROR_KIND_EXISTS, codes.AlreadyExists},
		{errs.Permission, pb.ErrorKind_ERROR_KIND_PERMISSION, codes.PermissionDenied},
		{errs.NoSpace, pb.ErrorKind_ERROR_KIND_NO_SPACE, codes.ResourceExhausted},
		{errs.Throttled, pb.ErrorKind_ERROR_KIND_THROTTLED, codes.ResourceExhausted},
		{errs.Transient, pb.ErrorKind_ERROR_KIND_TRANSIENT, codes.Aborted},
		{errs.Permanent, pb.ErrorKind_ERROR_KIND_PERMANENT, codes.Unknown},
		{errs.Invalid, pb.ErrorKind_ERROR_KIND_INVALID, codes.InvalidArgument},
		{errs.Corrupt, pb.ErrorKind_ERROR_KIND_CORRUPT, codes.DataLoss},
		{errs.Unsupported, pb.ErrorKind_ERROR_KIND_UNSUPPORTED, codes.Unimplemented},
		{errs.Canceled, pb.ErrorKind_ERROR_KIND_CANCELED, codes.Canceled},
	}
}

// Status makes the gRPC error of a provider's error. Ctx is the call's context: a deadline that passed inside the
// provider while the call was still wanted (its own network timeout, say) is transient and no cancellation.
func Status(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	m := mappingOf(kindOf(ctx, err))
	after, _ := errs.Retryable(err)
	detail := &pb.Error{
		Kind: m.wire, Message: clip(err.Error()), RetryAfterMs: after.Milliseconds(),
		Deadline: errors.Is(err, context.DeadlineExceeded),
	}
	if after > 0 && detail.RetryAfterMs == 0 {
		detail.RetryAfterMs = 1
	}
	s, withErr := status.New(m.code, detail.Message).WithDetails(detail)
	if withErr != nil {
		return status.Error(m.code, detail.Message)
	}
	return s.Err()
}

func kindOf(ctx context.Context, err error) errs.Kind {
	kind := errs.KindOf(err)
	var classified *errs.Error
	if kind == errs.Canceled && ctx.Err() == nil && !errors.As(err, &classified) {
		return errs.Transient
	}
	return kind
}

func mappingOf(kind errs.Kind) mapping {
	permanent := mapping{}
	for _, m := range mappings() {
		if m.kind == kind {
			return m
		}
		if m.kind == errs.Permanent {
			permanent = m
		}
	}
	return permanent
}

func clip(text string) string {
	if len(text) > maxMessage {
		text = text[:maxMessage] + " ..."
	}
	return strings.ToValidUTF8(text, "?")
}

// Remote is an error as it arrived from the other side: its text, and the context error that it stood for.
type Remote struct {
	Text  string
	Cause error // context.Canceled, context.DeadlineExceeded or nil
}

// Error returns the text.
func (r *Remote) Error() string { return r.Text }

// Unwrap returns the context error.
func (r *Remote) Unwrap() error { return r.Cause }

// Classified returns the error that a provider sent, or nil when err does not carry one: then the call itself failed.
func Classified(err error) error {
	for _, d := range status.Convert(err).Details() {
		if detail, ok := d.(*pb.Error); ok {
			return fromDetail(detail)
		}
	}
	return nil
}

func fromDetail(d *pb.Error) error {
	kind := errs.Permanent
	for _, m := range mappings() {
		if m.wire == d.GetKind() {
			kind = m.kind
		}
	}
	remote := &Remote{Text: d.GetMessage()}
	switch {
	case kind == errs.Canceled && d.GetDeadline():
		remote.Cause = context.DeadlineExceeded
	case kind == errs.Canceled:
		remote.Cause = context.Canceled
	}
	return &errs.Error{Kind: kind, RetryAfter: time.Duration(d.GetRetryAfterMs()) * time.Millisecond, Err: remote}
}
