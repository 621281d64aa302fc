//go:build unix

package service

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

const (
	launchTries = 3
	launchPause = 100 * time.Millisecond
)

// lockLaunch has the start command inherit a locked file. The lock lives as long as the command and what it has started,
// whatever becomes of the agent: whoever comes next knows that a server is on its way, though it does not hold its data
// directory yet. The error is ErrUnderWay while such a launch is young. Where no lock can be had, the server is
// started without one: that is worth less than MySQL being up.
func (c *command) lockLaunch(ctx context.Context, cmd *exec.Cmd) (*os.File, error) {
	f, err := os.OpenFile(c.lock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil
	}
	for range launchTries { // whoever has just taken it has not said so yet
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			now := time.Now()
			if os.Chtimes(c.lock, now, now) == nil {
				cmd.ExtraFiles = []*os.File{f}
				return f, nil
			}
			break
		}
		if errors.Is(err, unix.EWOULDBLOCK) && young(ctx, f, c.patience) {
			_ = f.Close()
			return nil, ErrUnderWay
		}
		time.Sleep(launchPause)
	}
	_ = f.Close()
	return nil, nil
}

// young reports whether the last launch is to be waited for: it is younger than limit, and more than that time is
// left, so that waiting for one that leads nowhere never keeps the server down.
func young(ctx context.Context, f *os.File, limit time.Duration) bool {
	st, err := f.Stat()
	if err != nil {
		return false
	}
	age := time.Since(st.ModTime())
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(end)/2)
	}
	return age >= 0 && age < limit
}
