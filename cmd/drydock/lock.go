package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/drydock-backup/drydock/agent/plugin"
	"github.com/drydock-backup/drydock/hcl"
)

// badLockError is a lock file that cannot be read.
type badLockError struct {
	path  string
	diags hcl.Diagnostics
}

func (e *badLockError) Error() string { return fmt.Sprintf("lock file: %v", e.diags) }
func (e *badLockError) Hint() string {
	return fmt.Sprintf("put %s back from a copy, or remove it and pin again with drydock plugin lock", e.path)
}

// untrustedLockError is a lock file that others can write: it would pin what they want.
type untrustedLockError struct{ error }

func (e untrustedLockError) Error() string { return fmt.Sprintf("lock file: %v", e.error) }
func (e untrustedLockError) Unwrap() error { return e.error }

// readLock reads what a lock file pins: nothing if there is none.
func readLock(path string) ([]plugin.Pin, error) {
	if path == "" {
		return nil, nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err := plugin.CheckTrusted(path); err != nil {
		return nil, untrustedLockError{err}
	}
	entries, diags := hcl.LoadLockFile(path)
	if diags.HasErrors() {
		return nil, &badLockError{path, diags}
	}
	var pins []plugin.Pin
	for _, e := range entries {
		pins = append(pins, plugin.Pin(e))
	}
	return pins, nil
}

// writeLock replaces a lock file.
func writeLock(path string, pins []plugin.Pin) error {
	var entries []hcl.LockEntry
	for _, p := range pins {
		entries = append(entries, hcl.LockEntry(p))
	}
	return hcl.WriteLockFile(path, entries)
}

// lockUsable returns what is wrong with the lock file, and shows the lines if it is its text.
func (a *app) lockUsable(o plugin.Options) error {
	var bad *badLockError
	switch {
	case o.LockErr == nil:
		return nil
	case errors.As(o.LockErr, &bad):
		if err := a.diagnosed(bad.diags); err == nil {
			return nil
		}
		fmt.Fprintln(a.stderr, "hint:", bad.Hint())
		return &silentError{exitUsage}
	}
	return &usageError{o.LockErr}
}
