package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) notifyCommand() *cobra.Command {
	var label string
	cmd := &cobra.Command{
		Use:   "notify [JOB]",
		Short: "send a test message through the notifiers of a job",
		Long: `notify sends one message of type "test" through every notifier of the job, whatever events they are for, and says
which of them was accepted. It fails when one was not: find that out before the night in which it matters.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAgent(cmd.Context(), func(s *session) error { return a.notify(cmd.Context(), s, first(args), label) })
		},
	}
	a.fileFlag(cmd)
	cmd.Flags().StringVar(&label, "notifier", "", "only the notifier of this label")
	a.jsonFlag(cmd, "print one JSON array: notifier, type, delivered, error")
	return cmd
}

func (a *app) notify(ctx context.Context, s *session, name, label string) error {
	j, err := s.job(ctx, a, name)
	if err != nil {
		return err
	}
	told, failed := s.TryNotifiers(ctx, j, label)
	if a.json {
		if err := a.printJSON(told); err != nil {
			return err
		}
		return failed
	}
	for _, n := range told {
		if n.Delivered {
			a.printf("notifier %q (%s): delivered\n", n.Notifier, n.Type)
		}
	}
	if len(told) == 0 && failed == nil {
		a.printf("job %q has no notifiers\n", j.Name)
	}
	return failed
}
