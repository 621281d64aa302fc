package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/daemon"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/hcl"
)

func (a *app) agentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "the service: bring MySQL up after a run that died, and ship what waits",
		Long: `agent works until it gets SIGTERM. It brings MySQL up wherever a run has died, and ships the artifacts that wait for a
target, the oldest first. SIGHUP has it read the job files anew; a file with a mistake changes nothing. Name its agent file
with --config. drydock agent unit prints a unit file for systemd.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context()) },
	}
	cmd.AddCommand(a.agentUnitCommand())
	return cmd
}

// lookEvery is how often the service looks at each job, unless the queue asks for more.
const lookEvery = 10 * time.Second

// serve runs the service.
func (a *app) serve(ctx context.Context) error {
	log, err := a.logger()
	if err != nil {
		return err
	}
	a.service = true
	return a.withAgent(ctx, func(base *session) error { return a.serveWith(ctx, base, log) })
}

func (a *app) serveWith(ctx context.Context, base *session, log *slog.Logger) error {
	reload := make(chan struct{}, 1)
	a.hangups.handle(func() {
		select {
		case reload <- struct{}{}:
		default: // one is on its way
		}
	})
	defer a.hangups.handle(nil)
	ctx, stop := ending(ctx)
	defer stop()
	s := &service{session: base, app: a, log: log}
	return daemon.Run(ctx, daemon.Options{
		Agent: s, Load: s.load, Reload: reload, Log: log, Every: min(lookEvery, cmp.Or(a.queue.RetryMin, lookEvery)),
		Ready: func() { s.tell(sd.SdNotifyReady) }, Alive: func() { s.tell(sd.SdNotifyWatchdog) },
	})
}

// ending is a context that says to what it cuts short that it is the service which ends, not a person who cancels a run.
func ending(ctx context.Context) (context.Context, func()) {
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_, _ = sd.SdNotify(false, sd.SdNotifyStopping) // without a service manager there is nobody to tell
		cancel(&agent.Interrupt{By: "the end of the service"})
	})
	return own, func() { stop(); cancel(nil) }
}

// service has every operation of the daemon that needs providers done by an agent of its own, so that they end with it.
type service struct {
	*session
	app *app
	log *slog.Logger
}

func (s *service) tell(state string) {
	if _, err := sd.SdNotify(false, state); err != nil {
		s.log.Warn("tell the service manager", "state", state, "error", err)
	}
}

// Recover implements daemon.Agent.
func (s *service) Recover(ctx context.Context, j job.Job) (found []agent.Recovered, err error) {
	err = s.app.withAgent(ctx, func(a *session) error {
		found, err = a.Recover(ctx, j)
		return err
	})
	return found, err
}

// Resume implements daemon.Agent.
func (s *service) Resume(ctx context.Context, j job.Job, id string, observe func(agent.Event)) (out agent.Outcome, err error) {
	err = s.app.withAgent(ctx, func(a *session) error {
		out, err = a.Resume(ctx, j, id, observe)
		return err
	})
	return out, err
}

// load reads the files of jobs_dir, and those of jobs that a command line has run.
func (s *service) load(ctx context.Context) (all []daemon.File, err error) {
	err = s.app.withAgent(ctx, func(a *session) error {
		paths, err := s.jobFiles(a)
		for _, path := range paths {
			all = append(all, readJobs(ctx, a, path))
		}
		return err
	})
	return all, err
}

func readJobs(ctx context.Context, a *session, path string) daemon.File {
	result, diags := a.loader().LoadFiles(ctx, path)
	f := daemon.File{Path: path, Jobs: result.Jobs}
	if diags.HasErrors() {
		var text strings.Builder
		if err := diags.WriteText(&text, false, 0); err != nil {
			return daemon.File{Path: path, Err: err}
		}
		f.Err = errors.New(strings.TrimSpace(text.String()))
	}
	return f
}

// jobFiles are the files of jobs_dir in the order of their names, then those that jobs were run from. A file that is gone
// is none.
func (s *service) jobFiles(a *session) ([]string, error) {
	var paths []string
	if dir := s.app.jobsDir; dir != "" {
		found, err := hcl.JobFiles(dir)
		if err != nil {
			return nil, err
		}
		paths = found
	}
	known, err := a.KnownJobs()
	if err != nil {
		return nil, err
	}
	for _, k := range known {
		path := filepath.Clean(k.File)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || slices.Contains(paths, path) {
			continue
		}
		paths = append(paths, path)
	}
	return paths, nil
}
