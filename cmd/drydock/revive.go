package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/hcl"
)

// reviveFirst brings MySQL up for jobs of a file that is refused, where a run of theirs has stopped it and died: what is
// wrong with the file must not keep it down. It returns why, or what to report if MySQL stays down.
func (a *app) reviveFirst(ctx context.Context, s *session, name string, why error) error {
	files, err := s.StateFiles()
	if err != nil {
		return why
	}
	for _, file := range files {
		b, err := s.Unfinished(ctx, file)
		if err != nil || !b.Down || name != "" && b.Job != name {
			continue
		}
		known, err := s.KnownJob(b.Job)
		if err != nil || a.file != "" && !sameFile(known.File, a.file) {
			continue
		}
		found, err := s.reviveJob(ctx, known)
		for _, r := range found {
			fmt.Fprintf(a.stderr, "run %s: %s\n", r.RunID, r.What())
		}
		var down *instance.DownError
		if errors.As(err, &down) {
			return err
		}
	}
	return why
}

// reviveJob uses as much of the job's file as can be read. What it cannot do without the rest is left for recover.
func (s *session) reviveJob(ctx context.Context, known agent.KnownJob) ([]agent.Recovered, error) {
	loader := s.loader()
	loader.Lenient = true
	result, diags := loader.LoadFiles(ctx, known.File)
	if diags.HasErrors() {
		return s.RecoverRecorded(ctx, known.Name)
	}
	return s.reviveLoaded(ctx, result, known.Name)
}

func (s *session) reviveLoaded(ctx context.Context, r *hcl.Result, name string) ([]agent.Recovered, error) {
	for _, j := range r.Jobs {
		if j.Name == name {
			return s.Recover(ctx, j)
		}
	}
	return s.RecoverRecorded(ctx, name)
}

// sameFile compares the path of a known job, which is absolute, with one from the command line.
func sameFile(known, path string) bool {
	abs, err := filepath.Abs(path)
	return err == nil && abs == known
}
