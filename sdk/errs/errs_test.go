package errs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// TestKindOf looks for kinds in chains and trees.
func TestKindOf(t *testing.T) {
	tests := []struct {
		err  error
		want errs.Kind
	}{
		{io.EOF, errs.Permanent},
		{errs.New(errs.NoSpace, "full"), errs.NoSpace},
		{errs.Wrap(errs.Exists, io.EOF, "put %d", 1), errs.Exists},
		{fmt.Errorf("outer: %w", errs.New(errs.Throttled, "slow")), errs.Throttled},
		{errs.Wrap(errs.Transient, errs.New(errs.Corrupt, "inner"), "outer"), errs.Transient},
		{errors.Join(io.EOF, errs.New(errs.NotFound, "x")), errs.NotFound},
		{fmt.Errorf("x: %w", context.Canceled), errs.Canceled},
		{context.DeadlineExceeded, errs.Canceled},
		{errs.Wrap(errs.Transient, context.DeadlineExceeded, "dial"), errs.Transient},
	}
	for _, tt := range tests {
		if got := errs.KindOf(tt.err); got != tt.want || !errs.Is(tt.err, tt.want) {
			t.Errorf("%v is %s, want %s", tt.err, got, tt.want)
		}
	}
	for _, kind := range errs.Kinds() {
		if got := errs.KindOf(errs.New(kind, "x")); got != kind {
			t.Errorf("%s became %s", kind, got)
		}
		if errs.Is(nil, kind) {
			t.Errorf("no error is %s", kind)
		}
	}
}

// TestRetryable: only transient and throttled errors are worth another try.
func TestRetryable(t *testing.T) {
	for _, kind := range errs.Kinds() {
		after, ok := errs.Retryable(fmt.Errorf("x: %w", &errs.Error{Kind: kind, RetryAfter: time.Second}))
		if want := kind == errs.Transient || kind == errs.Throttled; ok != want || after != time.Second {
			t.Errorf("%s: %s, %v", kind, after, ok)
		}
	}
	if _, ok := errs.Retryable(io.EOF); ok {
		t.Error("an error without a kind is retryable")
	}
}

// TestText reads "operation: cause", whatever is there of both.
func TestText(t *testing.T) {
	for want, err := range map[string]error{
		"put 1: EOF": errs.Wrap(errs.Permanent, io.EOF, "put %d", 1),
		"full: 3":    errs.New(errs.NoSpace, "full: %d", 3),
		"no-space":   &errs.Error{Kind: errs.NoSpace},
		"put":        &errs.Error{Kind: errs.NoSpace, Op: "put"},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
	if err := errs.Wrap(errs.Permanent, nil, "x"); err != nil {
		t.Errorf("wrap of nil is %v", err)
	}
	if !errors.Is(errs.Wrap(errs.Permanent, io.EOF, "x"), io.EOF) {
		t.Error("the cause is lost")
	}
}
