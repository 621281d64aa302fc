package daemon

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/job"
)

// Agent is what the service has done by the agent.
type Agent interface {
	StateFiles() ([]string, error)
	Unfinished(ctx context.Context, file string) (agent.Business, error)
	Recover(ctx context.Context, j job.Job) ([]agent.Recovered, error)
	RecoverRecorded(ctx context.Context, name string) ([]agent.Recovered, error)
	Resume(ctx context.Context, j job.Job, id string, observe func(agent.Event)) (agent.Outcome, error)
}

// File is one job file as it was read.
type File struct {
	Path string
	Jobs []job.Job
	Err  error // what is wrong with it; Jobs do not count then
}

// Options say what the service works with. Agent, Load, Log and Every are required.
type Options struct {
	Agent  Agent
	Load   func(ctx context.Context) ([]File, error) // reads all job files there are
	Reload <-chan struct{}                           // asks for another Load
	Log    *slog.Logger

	Every time.Duration // between two looks at a job
	Ships int           // transfers at once (default 2)
	// Ready is called once the job files are read and the service works; Alive again and again while it does. May be nil.
	Ready, Alive func()
}

const (
	defaultShips = 2
	// longestPause bounds how much later a job is looked at after failures.
	longestPause = 10 * time.Minute
)

// Run works until ctx ends, and returns when everything that it has begun is in order: a server that is being started is
// up, or has failed to come up.
func Run(ctx context.Context, o Options) error {
	if o.Ships <= 0 {
		o.Ships = defaultShips
	}
	d := &daemon{Options: o, book: &book{log: o.Log}, ships: make(chan struct{}, o.Ships), kept: map[string]bool{}}
	defer d.keepers.Wait()
	d.load(ctx)
	call(o.Ready)
	t := time.NewTicker(o.Every)
	defer t.Stop()
	for {
		d.engage(ctx)
		call(o.Alive)
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			if d.missed.Swap(false) {
				d.load(ctx)
			}
		case <-o.Reload:
			d.load(ctx)
		}
	}
}

func call(f func()) {
	if f != nil {
		f()
	}
}

// daemon is the service while it works.
type daemon struct {
	Options
	book    *book
	ships   chan struct{} // holds one for each transfer that goes on
	kept    map[string]bool
	missed  atomic.Bool // a keeper needs a job that is not in the book
	keepers sync.WaitGroup
}

func (d *daemon) load(ctx context.Context) {
	files, err := d.Load(ctx)
	if err != nil {
		d.Log.Error("read the job files; those that were read before stay", "error", err)
		return
	}
	d.book.update(files)
}

// engage starts a keeper for each job that has none yet.
func (d *daemon) engage(ctx context.Context) {
	files, err := d.Agent.StateFiles()
	if err != nil {
		d.Log.Error("look for unfinished business", "error", err)
	}
	for _, file := range files {
		if d.kept[file] {
			continue
		}
		d.kept[file] = true
		k := &keeper{daemon: d, file: file}
		d.keepers.Go(func() { k.run(ctx) })
	}
}
