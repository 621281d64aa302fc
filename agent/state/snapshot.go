package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	// metaBytes holds both meta pages of a bbolt file, whatever its page size: up to 64 KiB each.
	metaBytes = 128 << 10
	// snapshotTries bounds how often a copy is begun anew because the holder wrote meanwhile.
	snapshotTries = 100
)

// Look opens a job's file to look at it, also while a run has it: then it is a copy that is looked at, of the last
// transaction. See OpenReadOnly.
func Look(ctx context.Context, path string) (*Store, error) {
	short, cancel := context.WithTimeout(ctx, lockPoll)
	defer cancel()
	s, err := OpenReadOnly(short, path)
	if !errors.Is(err, ErrLocked) {
		return s, err
	}
	for range snapshotTries {
		copied, whole, err := snapshot(path)
		if err != nil {
			return nil, err
		}
		if whole {
			return openCopy(ctx, copied)
		}
		_ = os.Remove(copied) // on to the next
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("copy state: %w", context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
	return nil, fmt.Errorf("copy state %q: it changes all the time: %w", path, &LockedError{Path: path, Holder: HolderOf(path)})
}

// snapshot copies the file. bbolt writes a transaction into pages that the one before does not use, and its meta page
// last: when both meta pages are the same before and after the copying, no transaction ended meanwhile, and the copy holds
// the last one whole.
func snapshot(path string) (copied string, whole bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", false, fmt.Errorf("copy state: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from
	to, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".look-*")
	if err != nil {
		return "", false, fmt.Errorf("copy state: %w", err)
	}
	was, err := meta(f)
	if err == nil {
		_, err = io.Copy(to, f)
	}
	is, again := meta(f)
	if err = errors.Join(err, again, to.Close()); err != nil {
		return "", false, errors.Join(fmt.Errorf("copy state: %w", err), os.Remove(to.Name()))
	}
	return to.Name(), bytes.Equal(was, is), nil
}

func meta(f *os.File) ([]byte, error) {
	b := make([]byte, metaBytes)
	n, err := f.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil // a short file
	}
	return b[:n], err
}

// openCopy opens a copy, which goes with Close.
func openCopy(ctx context.Context, copied string) (*Store, error) {
	s, err := OpenReadOnly(ctx, copied)
	if err != nil {
		return nil, errors.Join(err, os.Remove(copied))
	}
	s.copied = copied
	return s, nil
}
