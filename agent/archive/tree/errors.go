package tree

import (
	"errors"
	"fmt"
	"strings"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// ErrChanged says that something wrote to the data directory during the copy, so the copy is not consistent.
var ErrChanged = errors.New("changed during the copy")

// Changed makes an error that is ErrChanged and names the path and what was seen.
func Changed(path, format string, args ...any) error {
	return fmt.Errorf("%q %w: %s", path, ErrChanged, fmt.Sprintf(format, args...))
}

// Refused is one thing that cannot be archived.
type Refused struct {
	Path   string    // relative to the data directory, or absolute
	Reason string    // what is wrong
	Hint   string    // what a person can do about it
	Kind   errs.Kind // errs.Permission or errs.Invalid
}

// String returns one line.
func (r Refused) String() string { return fmt.Sprintf("%q %s: %s", r.Path, r.Reason, r.Hint) }

// Skipped is one thing that was left out, and why.
type Skipped struct {
	Path   string
	Reason string
}

// RefusedError names everything that was refused.
type RefusedError struct{ Refused []Refused }

const refusedShown = 20

// Error lists the first twenty.
func (e *RefusedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d thing(s) in the data directory cannot be archived", len(e.Refused))
	for i, r := range e.Refused {
		if i == refusedShown {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Refused)-i)
			break
		}
		b.WriteString("\n  " + r.String())
	}
	return b.String()
}

// RefusedErr returns nil for none, else an error of kind errs.Permission when that is all there is, or errs.Invalid.
func RefusedErr(refused []Refused) error {
	if len(refused) == 0 {
		return nil
	}
	kind := errs.Permission
	for _, r := range refused {
		if r.Kind != errs.Permission {
			kind = errs.Invalid
		}
	}
	return &errs.Error{Kind: kind, Err: &RefusedError{Refused: refused}}
}
