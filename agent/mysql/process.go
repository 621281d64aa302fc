package mysql

import (
	"context"
	"fmt"
	"time"

	"github.com/drydock-backup/drydock/agent/process"
)

// Unknown is the process id of a holder that is there but cannot be named: it lives in another PID namespace.
const Unknown = -1

// pollEvery is how often WaitFree looks. The downtime of a run is longer by half of it.
const pollEvery = 20 * time.Millisecond

// takeover is how long another process may be at the data directory of a server that is gone until that counts as a
// server that was started again: what runs after a stop may have to tidy up there.
const takeover = time.Second

// TakenOverError says that a server was stopped, and another process has its data directory at once: most often the same
// server, started again by a service manager.
type TakenOverError struct {
	PID     int
	DataDir string
}

// Error names the process.
func (e *TakenOverError) Error() string { return ProcessName(e.PID) + " works on " + e.DataDir }

// WaitFree waits until the process is gone and nobody holds the data directory any more. pid may be 0 or Unknown; then
// only the data directory counts. The process is known by its id and its start time, so that another process which
// gets the same id is not waited for. A zombie is gone. The wait ends with ctx; the error then says who is still there.
// Another process that stays at the data directory once the first one is gone is a *TakenOverError.
func WaitFree(ctx context.Context, dataDir string, pid int) error {
	p := process.Of(pid)
	var since time.Time // another process has been there
	for {
		holder, err := Holder(dataDir)
		if err != nil {
			return err
		}
		alive := p.Alive()
		switch {
		case holder == 0 && !alive:
			return nil
		case holder <= 0 || holder == pid || alive || pid <= 0:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > takeover:
			return &TakenOverError{PID: holder, DataDir: dataDir}
		}
		if holder == 0 {
			holder = pid
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for data directory %s: process %d is still there: %w", dataDir, holder, context.Cause(ctx))
		case <-time.After(pollEvery):
		}
	}
}
