package main

import (
	"errors"
	"io"
	"os"
	"sync"
)

// accessLog is a file that can be opened again, for those who rotate it. It is safe for concurrent use.
type accessLog struct {
	name string // empty: to is not a file of ours

	mu sync.Mutex
	to io.Writer
}

func openAccessLog(name string, otherwise io.Writer) (*accessLog, error) {
	a := &accessLog{name: name, to: otherwise}
	return a, a.reopen()
}

func (a *accessLog) reopen() error {
	if a.name == "" {
		return nil
	}
	f, err := os.OpenFile(a.name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.to
	a.to = f
	if old, ok := before.(*os.File); ok && old != os.Stdout && old != os.Stderr {
		return old.Close()
	}
	return nil
}

// Write writes one record.
func (a *accessLog) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.to.Write(p)
}

// Close closes the file.
func (a *accessLog) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f, ok := a.to.(*os.File); ok && a.name != "" {
		a.to = io.Discard
		return errors.Join(f.Sync(), f.Close())
	}
	return nil
}
