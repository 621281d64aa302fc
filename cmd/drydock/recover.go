package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) recoverCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "recover [JOB]",
		Short: "bring MySQL up after a run that died, and finish its business",
		Long: `recover looks for runs that ended without a word (the host lost power, the agent was killed). Where such a run had
stopped MySQL, it is started again; an artifact that was whole is kept for drydock resume, anything less is dropped.
It starts only what a run has stopped.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAgent(cmd.Context(), func(s *session) error { return a.recover(cmd.Context(), s, first(args)) })
		},
	}
	a.fileFlag(cmd)
	a.jsonFlag(cmd, "print one JSON array: run, job, mysql_started, artifact")
	return cmd
}

func (a *app) recover(ctx context.Context, s *session, name string) error {
	s.lenient = true // MySQL comes first: a target or notifier that is out of order must not keep it down
	j, err := s.job(ctx, a, name)
	if err != nil {
		return err
	}
	found, err := s.Recover(ctx, j)
	if a.json {
		return a.printJSONOf(found, err)
	}
	for _, r := range found {
		a.printf("run %s: %s\n", r.RunID, r.What())
	}
	if len(found) == 0 && err == nil {
		a.printf("no unfinished run of job %q\n", j.Name)
	}
	return err
}
