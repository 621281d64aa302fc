package gcs

import (
	"sync"

	"cloud.google.com/go/auth"
)

// lazy holds credentials from when they are first needed. What cannot be had is asked for again.
type lazy struct {
	mu    sync.Mutex
	creds *auth.Credentials
}

func (l *lazy) get(find func() (*auth.Credentials, error)) (*auth.Credentials, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.creds != nil {
		return l.creds, nil
	}
	creds, err := find()
	if err == nil {
		l.creds = creds
	}
	return creds, err
}

// tokenError says that no access token could be had.
type tokenError struct{ err error }

// Error returns the cause.
func (e *tokenError) Error() string { return "get an access token: " + e.err.Error() }

// Unwrap returns the cause.
func (e *tokenError) Unwrap() error { return e.err }
