// Package retry repeats a call to the outside world until it succeeds, fails for good, or has been tried long enough.
// Providers only classify their errors (package errs); how often and how long is decided here, for targets and notifiers
// alike: exponential backoff with jitter, and a pause that the other side asked for.
package retry
