//go:build unix

package instance

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/agent/process"
)

// tryLock takes a flock on the directory itself: it needs no file of its own, and the server does not use it.
func tryLock(dir string) (func() error, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f.Close, nil
	}
	defer f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		if pid := lockHolder(f); pid > 0 {
			return nil, fmt.Errorf("%w: %s", ErrLocked, process.Describe(pid))
		}
		return nil, ErrLocked
	}
	return nil, err
}
