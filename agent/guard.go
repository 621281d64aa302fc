package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/guardian"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/step"
)

// errGuardianLost is in the chain of the error of a run that gave up because nobody would have watched over it.
var errGuardianLost = errors.New("the guardian is gone and no other can be started, so MySQL is brought back at once")

// silence is how long a run may show no sign of progress until its guardian takes it for hung. Every wait of a run has a
// bound of its own that is far shorter: calls to targets are given up after 15 minutes without success, a full spool after
// as long, and stop and start have their timeouts, which are added. So it can only hit a run that hangs, however long a
// healthy one takes.
const silence = time.Hour

// deadline is when MySQL must be back in any case, if the job has a budget: what is allowed, a stop and a start that take
// all the time they may, the stop waited for twice when the run is cancelled in it, and a minute to bring the copy to the disk.
// 0 is never.
func deadline(m job.MySQL) time.Duration {
	if m.MaxDowntime == 0 {
		return 0
	}
	return m.MaxDowntime + 2*m.StopTimeout + m.StartTimeout + time.Minute
}

// guard is a run's guardian. It implements step.Guardian.
type guard struct {
	r    *running
	lost context.CancelCauseFunc // ends the run

	mu      sync.Mutex
	current *guardian.Guardian // nil before Arm and after StandDown
}

// Arm implements step.Guardian.
func (g *guard) Arm(ctx context.Context, in step.Intent) error {
	settings, err := json.Marshal(in.Settings)
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	o := guardian.Options{Command: g.r.o.Guardian, Log: g.r.o.Log, Lost: func(err error) {
		g.lost(fmt.Errorf("%w: %w", errGuardianLost, err))
	}}
	order := guardian.Order{
		StateDir: g.r.o.DataDir, Job: g.r.b.Job.Name, Run: g.r.b.ID,
		MySQL: in.MySQL, PID: in.PID, ErrorLog: g.r.server.ErrorLog, Settings: settings, Written: in.At,
		Silence: silence + in.MySQL.StopTimeout + in.MySQL.StartTimeout, Deadline: deadline(in.MySQL),
	}
	return fault.Around("guardian.arm", func() error {
		armed, err := guardian.Arm(ctx, o, order)
		if err == nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.current = armed
		}
		return err
	})
}

// StandDown implements step.Guardian.
func (g *guard) StandDown() {
	g.mu.Lock()
	armed := g.current
	g.current = nil
	g.mu.Unlock()
	if armed != nil {
		armed.Disarm()
	}
}

// beat tells the guardian that the run moves.
func (g *guard) beat() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.current != nil {
		g.current.Beat()
	}
}

// rescueLimit bounds how long a guardian, once it acts, may hold the locks of a job: it waits for a server that is still
// stopping, and then for the one that it started.
func rescueLimit(m job.MySQL) time.Duration { return m.StopTimeout + m.StartTimeout + time.Minute }
