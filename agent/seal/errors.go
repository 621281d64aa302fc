package seal

import "errors"

// Errors that callers branch on.
var (
	// ErrDamaged is in the chain when a sealed artifact was altered, cut short or put together wrongly.
	ErrDamaged = errors.New("the sealed artifact is damaged")
	// ErrNoKey is in the chain when none of the given keys opens the artifact.
	ErrNoKey = errors.New("none of the given keys opens it")
	// ErrNotSealed is in the chain when the bytes are no sealed artifact at all.
	ErrNotSealed = errors.New("not a sealed artifact")
	// ErrNewer is in the chain when the artifact has a format that this version does not know.
	ErrNewer = errors.New("sealed by a newer version")
)
