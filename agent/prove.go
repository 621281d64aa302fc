package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/drill"
	"github.com/drydock-backup/drydock/agent/durable"
	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// RunDrill is the drill that a run has made of its backup. Its JSON keys are a contract.
type RunDrill struct {
	DrillReport
	Proven bool   `json:"proven"`          // a server runs on the backup and finds nothing wrong
	Error  string `json:"error,omitempty"` // why it is not proven: it is damaged, or the drill could not be made
}

// drillSlack is the most that a drill is made early, so that one which took its time does not put off the next by a run.
const drillSlack = 12 * time.Hour

// drillDue reports whether a run has to drill its backup, when the last proof is of that time; zero: there is none.
func drillDue(every time.Duration, last, now time.Time) bool {
	if every == 0 {
		return false
	}
	return last.IsZero() || last.After(now) || now.Sub(last) >= every-min(every/10, drillSlack)
}

// errDrilling is why a run makes no drill while one of an earlier backup goes on.
var errDrilling = errors.New("the drill of an earlier backup goes on")

// prove drills the backup that the run has made, when one is due. The run is over by then: its end is recorded, and MySQL and
// the locks are given back, so a drill of hours holds up nobody, and a crash in it leaves nothing but its scratch directory.
// It returns the failure of the run, and what the drill found wrong with the backup. That no drill could be made is a warning.
func (r *running) prove(ctx context.Context, out *Outcome, failure error) error {
	stored := slices.Contains([]Status{StatusDone, StatusPartial, StatusDamaged}, out.Status) && out.BackupID != ""
	verify := r.b.Job.Verify
	if !stored || ctx.Err() != nil || !drillDue(verify.Drill, r.lastProven(r.b.Job.Name), r.b.Started) {
		return failure
	}
	r.tell(Event{Event: EventStep, Step: "drill", Phase: "begun"})
	began := r.now()
	rep, err := r.drillOwn(ctx, *out)
	done := Event{Event: EventStep, Step: "drill", Phase: "done", Seconds: r.now().Sub(began).Seconds()}
	out.Drill, out.Finished = &RunDrill{DrillReport: rep, Proven: err == nil}, r.now().UTC()
	if err != nil {
		done.Phase, done.Message, out.Drill.Error = "failed", err.Error(), err.Error()
	}
	r.tell(done)
	if err == nil {
		return failure
	}
	return r.unproven(ctx, out, failure, err)
}

// drillOwn drills the run's backup as the first target that has it tells it. Only one drill of a job goes on at a time.
func (r *running) drillOwn(ctx context.Context, out Outcome) (rep DrillReport, err error) {
	label := out.Targets[slices.IndexFunc(out.Targets, func(t TargetOutcome) bool { return t.Stored })].Target
	rep = DrillReport{Backup: out.BackupID, Target: label, Key: out.Key, DataBytes: out.DataBytes, Damaged: []archive.Damage{}}
	lock, err := r.lockDrills(ctx)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	t := r.targets[slices.IndexFunc(r.targets, func(t ship.Target) bool { return t.Label == label })]
	found, err := ship.Backups(ctx, t, out.Key, ship.Options{Log: r.o.Log})
	if err != nil {
		return rep, err
	}
	i := slices.IndexFunc(found, func(b ship.Backup) bool { return b.Key == out.Key })
	if i < 0 {
		return rep, fmt.Errorf("%w: %s at target %q", ErrNoBackup, out.Key, label)
	}
	return r.drill(ctx, r.b.Job, backupOf(found[i], t), DrillOptions{Observe: r.observe})
}

func (r *running) lockDrills(ctx context.Context) (*instance.Lock, error) {
	dir := r.resultsDir(r.b.Job.Name)
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	lock, err := instance.LockDataDir(ctx, dir)
	if errors.Is(err, instance.ErrLocked) {
		err = errDrilling
	}
	return lock, err
}

// unproven tells what has become of a drill that did not prove the backup.
func (r *running) unproven(ctx context.Context, out *Outcome, failure, err error) error {
	r.o.Log.Error("the backup is not proven", "run", out.RunID, "target", out.Drill.Target, "error", err)
	switch {
	case ctx.Err() != nil:
		r.warn("the drill was interrupted; the next run makes one")
	case errors.Is(err, ErrDamaged):
		failure = errors.Join(failure, &hinted{fmt.Errorf("drill: %w", err), "keep the backups that were made before until one is proven; " +
			r.command("verify", out.BackupID) + " --drill tries this one again"})
		out.Error = failure.Error()
		if out.Status == StatusDone {
			out.Status = StatusDamaged
		}
		r.notify(ctx, r.drilled(*out, notify.Event{Type: "failure", Severity: notify.Critical, Detail: failure.Error(),
			Summary: fmt.Sprintf("THE BACKUP OF JOB %q IS DAMAGED: its drill failed; MySQL is up", r.b.Job.Name)}))
	case errors.Is(err, errDrilling):
		r.warn("a drill was due and is not made: " + err.Error())
	default:
		r.warn("a drill was due and could not be made: " + withHint(err))
		r.notify(ctx, r.drilled(*out, notify.Event{Type: "missed", Severity: notify.Warning, Detail: withHint(err),
			Summary: fmt.Sprintf("a drill of job %q was due and could not be made; the backup is stored", r.b.Job.Name)}))
	}
	return failure
}

// drilled completes the event about a drill.
func (r *running) drilled(out Outcome, e notify.Event) notify.Event {
	e.ID, e.Time, e.Host, e.Job, e.Run = out.RunID+"-drill", out.Finished, hostName(), r.b.Job.Name, out.RunID
	e.Fields = map[string]string{"status": string(out.Status), "backup": out.BackupID, "target": out.Drill.Target}
	return e
}

// withHint is an error and what the user can do about it, in one text.
func withHint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return err.Error() + " (" + h.Hint() + ")"
	}
	return err.Error()
}

// scratchDir is where the job's drills have their directories.
func (a *Agent) scratchDir(j job.Job) string {
	if j.Verify.Scratch != "" {
		return j.Verify.Scratch
	}
	return filepath.Join(a.o.DataDir, "drill")
}

// sweepDrills removes what a drill left that was killed, and ends its server. That it cannot must keep nothing else from going
// ahead.
func (a *Agent) sweepDrills(ctx context.Context, j job.Job) {
	if err := drill.Sweep(ctx, a.scratchDir(j)); err != nil {
		a.o.Log.Warn("clean up after an earlier drill", "directory", a.scratchDir(j), "error", err)
	}
}
