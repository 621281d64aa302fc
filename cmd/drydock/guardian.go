package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
)

// guardianCommand is the process that brings MySQL up when the agent cannot. It reads no configuration: all that it has to
// know comes through its standard input. Signals do not end it, for it ends with the run.
func (a *app) guardianCommand() *cobra.Command {
	return &cobra.Command{
		Use:               agent.GuardianCommand,
		Short:             "watch over MySQL during a run (started by drydock itself)",
		Hidden:            true,
		Args:              exactArgs(0, "no arguments"),
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := agent.Guard(context.WithoutCancel(cmd.Context()), os.Stdin, a.stdout, a.stderr); err != nil {
				return &silentError{exitFailed} // it has logged why
			}
			return nil
		},
	}
}
