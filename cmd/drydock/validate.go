package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent/job"
)

func (a *app) validateCommand() *cobra.Command {
	var connect bool
	cmd := &cobra.Command{
		Use:   "validate PATH...",
		Short: "check job files and say what is wrong where",
		Long: `validate parses job files, decodes them through the schemas of the providers that they name, and prints every
mistake with its line. A directory stands for its *.hcl files. With --connect it also asks every server and every
target of the jobs; nothing is changed.`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAgent(cmd.Context(), func(s *session) error { return a.validate(cmd.Context(), s, args, connect) })
		},
	}
	cmd.Flags().BoolVar(&connect, "connect", false, "also try every connection")
	a.jsonFlag(cmd, "print the diagnostics as one JSON array")
	return cmd
}

func (a *app) validate(ctx context.Context, s *session, paths []string, connect bool) error {
	result, diags := s.loader().LoadFiles(ctx, paths...)
	if a.json {
		if err := a.printJSON(diags); err != nil {
			return err
		}
		if diags.HasErrors() {
			return &silentError{exitUsage}
		}
		return a.connectAll(ctx, s, result.Jobs, connect)
	}
	if err := a.diagnosed(diags); err != nil {
		return err
	}
	s.files = result
	if err := a.connectAll(ctx, s, result.Jobs, connect); err != nil {
		return err
	}
	for _, j := range result.Jobs {
		a.printf("%s: job %q is valid\n", j.File, j.Name)
	}
	return nil
}

func (a *app) connectAll(ctx context.Context, s *session, jobs []job.Job, connect bool) error {
	if !connect {
		return nil
	}
	var failed []error
	for _, j := range jobs {
		s.jobName = j.Name
		if err := s.Connect(ctx, j); err != nil {
			failed = append(failed, fmt.Errorf("job %q: %w", j.Name, err))
		}
	}
	return errors.Join(failed...)
}
