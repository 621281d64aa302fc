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

// WaitFree waits until the process is gone and nobody holds the data directory any more. pid may be 0 or Unknown; then
// only the data directory counts. The process is known by its id and its start time, so that another process which
// gets the same id is not waited for. A zombie is gone. The wait ends with ctx; the error then says who is still there.
func WaitFree(ctx context.Context, dataDir string, pid int) error {
	p := process.Of(pid)
	for {
		holder, err := Holder(dataDir)
		if err != nil {
			return err
		}
		alive := p.Alive()
		if holder == 0 && !alive {
			return nil
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
