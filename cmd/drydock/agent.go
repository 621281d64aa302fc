package main

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/plugin"
	"github.com/drydock-backup/drydock/agent/seal"
	"github.com/drydock-backup/drydock/hcl"
)

// session is one command's use of the agent: its plugins end with it.
type session struct {
	*agent.Agent
	plugins *plugin.Host
	files   *hcl.Result // nil until jobs were loaded
	jobName string      // of the job that the command is about
	lenient bool        // providers that cannot be had are no errors of a job file
}

// open makes the agent ready. Close ends what it started.
func (a *app) open() (*session, error) {
	o, err := a.pluginOptions()
	if err != nil {
		return nil, err
	}
	dataDir, err := filepath.Abs(a.dataDir)
	if err != nil {
		return nil, &usageError{err}
	}
	spoolDir := filepath.Join(dataDir, "spool")
	if a.spoolDir != "" {
		if spoolDir, err = filepath.Abs(a.spoolDir); err != nil {
			return nil, &usageError{err}
		}
	}
	host, err := plugin.NewHost(o)
	if err != nil {
		return nil, err
	}
	ag, err := agent.New(agent.Options{DataDir: dataDir, SpoolDir: spoolDir, Plugins: host, Version: a.version, Log: o.Log,
		Queue: a.queue, Brief: a.service, Guardian: []string{o.Self, agent.GuardianCommand}})
	if err != nil {
		return nil, errors.Join(err, host.Close(context.Background()))
	}
	return &session{Agent: ag, plugins: host}, nil
}

// close ends every plugin, also after a cancellation.
func (s *session) close(ctx context.Context) error {
	return s.plugins.Close(context.WithoutCancel(ctx))
}

// withAgent runs f with an agent whose plugins end with it.
func (a *app) withAgent(ctx context.Context, f func(*session) error) error {
	s, err := a.open()
	if err != nil {
		return err
	}
	err = f(s)
	if closed := s.close(ctx); closed != nil {
		err = errors.Join(err, closed)
	}
	return a.located(s, err)
}

// located prints a provider's complaints about its configuration with the lines of the job file that they are about.
func (a *app) located(s *session, err error) error {
	var bad *plugin.ConfigError
	if s.files == nil || !errors.As(err, &bad) {
		return err
	}
	ref := hcl.ProviderRef{Job: s.jobName, Kind: bad.Kind, Label: bad.Provider.Label}
	return a.diagnosed(s.files.ProviderDiagnostics(ref, bad.Diagnostics))
}

// loader reads job files with the schemas of the plugins.
func (s *session) loader() *hcl.Loader {
	return &hcl.Loader{Schemas: s.plugins, Lenient: s.lenient, CheckRecipient: func(text string) error {
		_, err := seal.ParseRecipient(text)
		return err
	}}
}

// job loads the one job that --file or the job's name means.
func (s *session) job(ctx context.Context, a *app, name string) (job.Job, error) {
	file := a.file
	if file == "" {
		known, err := s.KnownJob(name)
		if err != nil {
			return job.Job{}, &usageError{err}
		}
		name, file = known.Name, known.File
	}
	result, diags := s.loader().LoadFiles(ctx, file)
	if err := a.diagnosed(diags); err != nil {
		return job.Job{}, err
	}
	s.files = result
	j, err := pick(result.Jobs, name, file)
	s.jobName = j.Name
	return j, err
}

func pick(jobs []job.Job, name, file string) (job.Job, error) {
	if name == "" && len(jobs) == 1 {
		return jobs[0], nil
	}
	var names []string
	for _, j := range jobs {
		if j.Name == name {
			return j, nil
		}
		names = append(names, j.Name)
	}
	if name == "" {
		return job.Job{}, usagef("%s holds %d jobs: name one of %q", file, len(jobs), names)
	}
	return job.Job{}, usagef("%s has no job %q; it has %q", file, name, names)
}

// jsonLines prints one JSON value per line.
func (a *app) jsonLines() func(v any) {
	e := json.NewEncoder(a.stdout)
	return func(v any) { _ = e.Encode(v) }
}
