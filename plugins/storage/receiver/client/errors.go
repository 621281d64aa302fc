package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// Why a call was given up.
var (
	errStalled   = errors.New("nothing has moved for too long")
	errSlow      = errors.New("the chunk took far longer than earlier ones")
	errHandshake = errors.New("the TLS handshake takes too long")
)

// fail says what was tried, at which receiver, and gives err its kind. It returns nil for nil.
func (s *Storage) fail(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	kind, hint := kindOf(err)
	if hint != "" {
		err = fmt.Errorf("%w (%s)", err, hint)
	}
	after, _ := errs.Retryable(err)
	return &errs.Error{Kind: kind, Op: fmt.Sprintf(format, args...) + " at " + s.config.Address, RetryAfter: after, Err: err}
}

// kindOf classifies what went wrong on the way. An error that has a kind keeps it.
func kindOf(err error) (kind errs.Kind, hint string) {
	var own *errs.Error
	var op *net.OpError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errStalled), errors.Is(err, errSlow):
		return errs.Transient, ""
	case errors.As(err, &own):
		return own.Kind, ""
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return errs.Canceled, ""
	case errors.As(err, &verification):
		return errs.Permission, "ca_file does not vouch for the receiver's certificate, or it is for another name"
	case errors.As(err, &op) && op.Op == "remote error": // how crypto/tls marks an alert of the other side
		return errs.Permission, "the receiver does not take this agent's certificate: expired, revoked, or of another authority"
	}
	return errs.Transient, ""
}
