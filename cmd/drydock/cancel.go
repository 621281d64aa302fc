package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/state"
)

func (a *app) cancelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cancel [RUN|JOB]",
		Short: "end a run that is going on, MySQL first",
		Long: `cancel asks the process that works on a run to give it up, as Ctrl-C in its terminal would, and waits until it has:
MySQL is up again then. An artifact that is not whole is dropped; one that is whole is kept in the spool for drydock
resume. Without a name it means the only run that is going on.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAgent(cmd.Context(), func(s *session) error { return a.cancel(cmd.Context(), s, first(args)) })
		},
	}
	a.jsonFlag(cmd, "print one JSON object: run, job, status, by")
	return cmd
}

func (a *app) cancel(ctx context.Context, s *session, name string) error {
	job, id := name, ""
	if of := agent.JobOf(name); of != "" {
		job, id = of, name
	}
	ended, err := s.Cancel(ctx, job, id)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(ended)
	}
	a.printf("run %s: %s; MySQL is as it was before\n", ended.RunID, ended.Status)
	if ended.Status == string(state.Waiting) {
		a.printf("its artifact is whole and kept in the spool: drydock resume %s ships it\n", ended.RunID)
	}
	return nil
}
