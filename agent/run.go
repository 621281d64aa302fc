package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/run"
	"github.com/drydock-backup/drydock/agent/seal"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/agent/step"
	"github.com/drydock-backup/drydock/sdk/host"
)

const (
	// lockWait is how long a run waits for another one of its job, or on its data directory, to end.
	lockWait = 2 * time.Second
	// frameSize is how much of a file is compressed at once; frameSlots of them are in memory.
	frameSize = 2 << 20
	// cleanLimit bounds the dropping of unfinished uploads after a failure.
	cleanLimit = 2 * time.Minute
)

// Run makes one backup. The Outcome tells how it ended, also when there is an error; its Status is empty when the run
// could not even begin. MySQL is up again when Run returns if it was up before, unless the error holds an
// *instance.DownError. observe may be nil.
func (a *Agent) Run(ctx context.Context, j job.Job, observe func(Event)) (Outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := a.begin(ctx, j, observe, cancel)
	if err != nil {
		return Outcome{}, interrupted(ctx, err)
	}
	out, err := r.end(ctx, r.sequence(ctx))
	err = r.prove(ctx, &out, err)
	return r.over(out), err
}

// over tells that nothing more comes.
func (r *running) over(out Outcome) Outcome {
	r.tell(Event{Event: EventFinished, Outcome: &out})
	return out
}

// running is one run while it goes on.
type running struct {
	*Agent
	*story
	b       *step.Backup
	store   *state.Store
	journal *journal
	dirLock *instance.Lock
	server  *server
	spool   *spool.Spool
	targets []ship.Target
	frames  *host.Frames
	sealed  *seal.Envelope // nil when the job does not encrypt
	cried   bool           // people know already that MySQL is down
	deafen  func()         // ends the watch for requests to cancel; nil while there is none
	guard   *guard
	damaged []archive.DamagedPages // what capture has found; not known any more when a run is resumed
}

// begin takes the locks, finishes the business of a run that died, and opens everything that the steps need. What
// cannot be opened fails here, before MySQL is touched.
func (a *Agent) begin(ctx context.Context, j job.Job, observe func(Event), cancel context.CancelCauseFunc) (*running, error) {
	started := a.now().UTC()
	id, err := newID(j.Name, started)
	if err != nil {
		return nil, err
	}
	r := &running{Agent: a, story: &story{run: id, observe: observe, clock: a.now}}
	r.b = newBackup(id, j)
	r.b.Started = started
	r.guard = &guard{r: r, lost: cancel}
	r.alive = r.guard.beat
	if err := r.open(ctx, cancel); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *running) open(ctx context.Context, cancel context.CancelCauseFunc) (err error) {
	if err := r.remember(r.b.Job); err != nil {
		return fmt.Errorf("remember the job: %w", err)
	}
	if err := r.lock(ctx); err != nil {
		return err
	}
	if err := r.heed(cancel); err != nil {
		return err
	}
	if r.server, err = r.openServer(r.b.Job); err != nil {
		return err
	}
	dead, err := r.revive(ctx, startedByRecover)
	if err != nil {
		return fmt.Errorf("finish an earlier run: %w", err)
	}
	if err := r.openPlugins(ctx); err != nil {
		return err
	}
	if r.sealed, err = envelope(r.b.Job.Encrypt); err != nil {
		return err
	}
	r.sweepDrills(ctx, r.b.Job)
	return r.settle(ctx, dead)
}

func newBackup(id string, j job.Job) *step.Backup { return &step.Backup{ID: id, Job: j} }

// lock makes this the only run of the job, and the only one on the data directory.
func (r *running) lock(ctx context.Context) (err error) {
	if r.store, err = r.openState(ctx, r.b.Job); err != nil {
		return err
	}
	r.dirLock, err = r.lockDir(ctx)
	return err
}

func (r *running) lockDir(ctx context.Context) (*instance.Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	var lock *instance.Lock
	err := fault.Around("lock.datadir", func() (err error) {
		lock, err = instance.LockDataDir(ctx, r.b.Job.MySQL.DataDir)
		return err
	})
	return lock, err
}

// openPlugins starts targets and compressor side by side.
func (r *running) openPlugins(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() (err error) {
		r.targets, err = r.openTargets(ctx, r.b.Job)
		return err
	})
	g.Go(func() (err error) {
		r.frames, err = r.o.Plugins.Frames(ctx, r.b.Job.Compress, host.FrameOptions{FrameSize: frameSize, Slots: frameSlots()})
		if err != nil {
			return fmt.Errorf("compress %q: %w", r.b.Job.Compress.Type, err)
		}
		return nil
	})
	return g.Wait()
}

// close gives back what open took. Plugins end with their host.
func (r *running) close() error {
	var errs []error
	if r.deafen != nil {
		r.deafen()
	}
	if r.frames != nil {
		errs = append(errs, r.frames.Close())
	}
	if r.server != nil {
		errs = append(errs, r.server.Close())
	}
	if r.dirLock != nil {
		errs = append(errs, r.dirLock.Release())
	}
	if r.store != nil {
		errs = append(errs, r.store.Close())
	}
	return errors.Join(errs...)
}

// sequence is the way of one backup.
func (r *running) sequence(ctx context.Context) error {
	if err := r.record(); err != nil {
		return err
	}
	var (
		preflight = &step.Preflight{Backup: r.b, Instance: r.server.Instance, Server: r.server.Server, Targets: r.targets,
			History: r.history(), HostName: hostName(), Scan: r.scan, SpoolFree: r.spoolFree, SpoolUsed: r.spoolUsed,
			QueueLimit: r.o.Queue.MaxBytes}
		stop = &step.Stop{Backup: r.b, Instance: r.server.Instance, Server: r.server.Server, Journal: r.journal,
			Guardian: r.guard, Now: r.now}
		capture = &step.Capture{Backup: r.b, Guard: r.server.Instance, Spool: r.spool, Journal: r.journal,
			Archive: r.archive, Authenticate: r.authenticate(), Shipping: r.ship}
		shipped = &step.Ship{Backup: r.b}
		waited  = &step.Ship{Backup: r.b, MySQLWaits: true, Warn: r.warn}
		rest    = &step.Ship{Backup: r.b, Rest: true}
		restart = &step.Restart{Backup: r.b, Instance: r.server.Instance, Now: r.now}
		confirm = &step.Confirm{Backup: r.b, Instance: r.server.Instance, Server: r.server.Server, Journal: r.journal,
			Guardian: r.guard}
		commit = &step.Commit{Backup: r.b, Targets: r.targets, Journal: r.journal, Options: r.commitOptions(),
			Scratch: r.spool.Dir(), Manifest: r.manifest}
		clean = &step.Clean{Backup: r.b, Spool: r.spool}
	)
	runner := run.Runner{Journal: r.journal, Observe: r.stepped}
	if r.b.Job.Restart == job.RestartAfterCapture {
		return because(ctx, runner.Run(ctx, preflight, stop, capture, restart, confirm, shipped, commit, clean))
	}
	return because(ctx, runner.Run(ctx, preflight, stop, capture, waited, restart, confirm, rest, commit, clean))
}

// because names the loss of the guardian instead of what a step says that was cut short by it.
func because(ctx context.Context, err error) error {
	var failed *run.StepError
	if cause := context.Cause(ctx); errors.Is(cause, errGuardianLost) && errors.As(err, &failed) {
		return &run.StepError{Step: failed.Step, Err: cause, Undo: failed.Undo}
	}
	return err
}

// record makes the run known before it does anything.
func (r *running) record() (err error) {
	dir := filepath.Join(r.o.SpoolDir, r.b.ID)
	err = fault.Around("record.run", func() error {
		return r.store.CreateRun(state.Run{
			ID: r.b.ID, Job: r.b.Job.Name, Status: state.Running, Started: r.b.Started, SpoolDir: dir, Targets: labels(r.b.Job),
		})
	})
	if err != nil {
		return err
	}
	r.journal = newJournal(r.store, r.b.ID)
	r.spool, err = spool.Create(dir)
	return err
}

// scan looks at the data directory, now that the server has told about itself.
func (r *running) scan(ctx context.Context, f mysql.Facts) (found archive.Inventory, err error) {
	r.server.ErrorLog = f.LogError
	err = fault.Around("archive.scan", func() (err error) {
		found, err = archive.Scan(ctx, r.archiveOptions(f))
		return err
	})
	return found, err
}

func (r *running) spoolFree() (int64, error) { return r.spool.Free() }

// archive writes Data.zip.
func (r *running) archive(ctx context.Context, w io.Writer) (sum archive.Summary, err error) {
	o := r.archiveOptions(r.b.Survey.Facts)
	o.Scratch = r.spool.Dir()
	if !r.b.Job.Artifact.SkipPages {
		o.Pages = pageHints(r.b.Survey.Facts)
	}
	o.Progress = func(p archive.Progress) {
		r.b.Archived.Store(p.Bytes)
		r.progress("capture", "", p.Bytes, r.b.Survey.Inventory.Bytes)
	}
	err = fault.Around("archive.write", func() (err error) {
		sum, err = r.write(ctx, w, o)
		return err
	})
	r.tellPages(sum.DamagedPages)
	return sum, errors.Join(err, r.newOutside(o.OutsidePaths))
}

// newOutside makes sure that nothing new belongs to the database outside its data directory, such as another undo log.
func (r *running) newOutside(known []string) error {
	for _, p := range r.b.Survey.Facts.ExpandOutside() {
		if !slices.Contains(known, p) {
			return fmt.Errorf("%q %w: it is new", p, archive.ErrChanged)
		}
	}
	return nil
}

// ship begins the transfer to every target.
func (r *running) ship(ctx context.Context) (*ship.Shipment, error) {
	s, err := ship.Start(ctx, r.targets, r.shipOptions(0))
	if err == nil {
		r.spool.InFlight = s.MakeRoom
	}
	return s, err
}

func labels(j job.Job) []string {
	all := make([]string, len(j.Targets))
	for i, t := range j.Targets {
		all[i] = t.Label
	}
	return all
}
