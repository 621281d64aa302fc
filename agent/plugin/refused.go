package plugin

import (
	"errors"
	"fmt"

	"github.com/drydock-backup/drydock/sdk/host"
)

// RefusedError says why a provider that is there is not started.
type RefusedError struct {
	Kind, Name string
	Err        error
}

// Error names the provider and the reason.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s provider %q is refused: %v", e.Kind, e.Name, e.Err)
}

// Unwrap returns the reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *RefusedError) Hint() string {
	var hinted interface{ Hint() string }
	if errors.As(e.Err, &hinted) {
		return hinted.Hint()
	}
	return "see that the plugin directory can be read"
}

// reason is why something is refused, and what to do about it.
type reason struct{ what, fix string }

// Error says what is wrong.
func (r *reason) Error() string { return r.what }

// Hint says what to do about it.
func (r *reason) Hint() string { return r.fix }

func refused(kind, name string, err error) error {
	return &RefusedError{Kind: kind, Name: name, Err: err}
}

// changed adds to a wrong digest what to do about it. Other errors stay as they are.
func changed(kind, name string, err error) error {
	var digest *host.DigestError
	if !errors.As(err, &digest) {
		return err
	}
	return refused(kind, name, &reason{digest.Error(), fmt.Sprintf(
		"find out who changed it; if it was an update that you trust, pin it again: drydock plugin lock %s %s", kind, name)})
}
