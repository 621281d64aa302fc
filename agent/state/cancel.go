package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A request to cancel is an empty file beside the job's: <job>.db.cancel.<token of the holder>. It reaches whoever holds
// the lock under that token and nobody else, be it another process of the same number or the same process with another
// run. It needs no room on a full disk but a directory entry, and it works the same on every system.

func requestPath(path, token string) string { return path + ".cancel." + token }

// RequestCancel asks the holder of a job's file to give up the run that it works on. It does not wait.
func RequestCancel(path string, h Holder) error {
	if h.Token == "" {
		return fmt.Errorf("request cancel: holder of %q: %w", path, ErrNotFound)
	}
	f, err := os.OpenFile(requestPath(path, h.Token), os.O_CREATE|os.O_WRONLY, fileMode)
	if err != nil {
		return fmt.Errorf("request cancel: %w", err)
	}
	return f.Close()
}

// CancelRequested reports whether somebody has asked this holder to give up. It costs one look at the file system.
func (s *Store) CancelRequested() bool {
	_, err := os.Lstat(requestPath(s.path, s.holder.Token))
	return err == nil
}

// forgetRequests removes requests to this holder and to earlier ones. The lock is held.
func forgetRequests(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("forget requests: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), filepath.Base(requestPath(path, ""))) {
			continue
		}
		if err := os.Remove(filepath.Join(filepath.Dir(path), e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forget requests: %w", err)
		}
	}
	return nil
}
