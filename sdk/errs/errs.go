// Package errs holds the error kinds of the plugin protocol: the few things that a caller can act on.
//
// A provider classifies what went wrong; the agent alone decides whether to try again. Kinds survive the process
// boundary: an error made here by a provider is found again with [KindOf] and errors.As on the other side.
//
//	return errs.Wrap(errs.NoSpace, err, "write chunk 12")
package errs

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure an error is.
type Kind string

// The kinds. An error without a kind counts as Permanent.
const (
	NotFound    Kind = "not-found"   // the object, upload or recipient does not exist
	Exists      Kind = "exists"      // the name is taken; nothing was overwritten
	Permission  Kind = "permission"  // the provider may not do this
	NoSpace     Kind = "no-space"    // the store is full, or a quota is used up
	Throttled   Kind = "throttled"   // asked to slow down; RetryAfter may say how long
	Transient   Kind = "transient"   // trying again may help
	Permanent   Kind = "permanent"   // trying again will not help
	Invalid     Kind = "invalid"     // the request or the configuration is wrong
	Corrupt     Kind = "corrupt"     // the bytes are not what they should be (digest, format)
	Unsupported Kind = "unsupported" // this provider does not have this ability
	Canceled    Kind = "canceled"    // the caller gave up
)

// Kinds lists every kind.
func Kinds() []Kind {
	return []Kind{
		NotFound, Exists, Permission, NoSpace, Throttled, Transient, Permanent, Invalid, Corrupt, Unsupported, Canceled,
	}
}

// Error is an error with a kind. Make one with New or Wrap.
type Error struct {
	Kind       Kind
	Op         string        // operation and object: `put chunk 12`
	RetryAfter time.Duration // for Throttled: how long to wait; 0 when unknown
	Err        error         // the cause; may be nil
}

// New returns an error of a kind with a formatted message.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// Wrap gives err a kind and says what was tried. It returns nil for a nil err.
func Wrap(kind Kind, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Op: fmt.Sprintf(format, args...), Err: err}
}

// Error returns "operation: cause".
func (e *Error) Error() string {
	switch {
	case e.Err == nil && e.Op == "":
		return string(e.Kind)
	case e.Err == nil:
		return e.Op
	case e.Op == "":
		return e.Err.Error()
	}
	return e.Op + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the outermost Error in err's chain, Canceled for a context error, else Permanent.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Canceled
	}
	return Permanent
}

// Is reports whether err is of the given kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Retryable reports whether trying the same call again can help, and how long the other side asked to wait.
func Retryable(err error) (after time.Duration, ok bool) {
	var e *Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.RetryAfter, e.Kind == Transient || e.Kind == Throttled
}
