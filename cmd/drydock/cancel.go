package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/state"
)

func (a *app) cancelCommand() *cobra.Command {
	var drop bool
	cmd := &cobra.Command{
		Use:   "cancel [RUN|JOB]",
		Short: "end a run that is going on, MySQL first",
		Long: `cancel asks the process that works on a run to give it up, as Ctrl-C in its terminal would, and waits until it has:
MySQL is up again then. An artifact that is not whole is dropped; one that is whole is kept in the spool for drydock
resume. Without a name it means the only run that is going on. With --drop it gives up what a run has left in the spool for a
target that lacks it.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAgent(cmd.Context(), func(s *session) error {
				if drop {
					return a.giveUp(cmd.Context(), s, first(args))
				}
				return a.cancel(cmd.Context(), s, first(args))
			})
		},
	}
	cmd.Flags().BoolVar(&drop, "drop", false, "give up the artifact of a run that waits, here and at the targets that lack it")
	a.fileFlag(cmd)
	a.jsonFlag(cmd, "print one JSON object: run, job, status, by")
	return cmd
}

// giveUp drops the artifact of a run that waits.
func (a *app) giveUp(ctx context.Context, s *session, id string) error {
	if agent.JobOf(id) == "" {
		return usagef("--drop needs the id of a run: drydock runs lists them")
	}
	s.lenient = true // a target that is out of order is why it is given up
	j, err := s.job(ctx, a, agent.JobOf(id))
	if err != nil {
		return err
	}
	if err := s.GiveUp(ctx, j, id); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(agent.Ended{RunID: id, Job: j.Name, Status: string(state.Cancelled)})
	}
	a.printf("run %s: its artifact is dropped\n", id)
	return nil
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
