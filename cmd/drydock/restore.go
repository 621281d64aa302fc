package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
)

func (a *app) restoreCommand() *cobra.Command {
	var o agent.RestoreOptions
	var keys keyFlags
	cmd := &cobra.Command{
		Use:   "restore BACKUP --to DIR",
		Short: "restore a stored backup to a directory",
		Long: `restore writes the files of a stored backup to a directory, in parallel, and checks every one on the way. It gives
back bytes, modes, times and, when run as root, owners. A directory that is not empty is refused; nothing is ever
overwritten. Start a server on the directory to use it.

` + backupArg + "\n\n" + keyHelp,
		Args: exactArgs(1, "BACKUP"),
	}
	flags := a.backupFlags(cmd)
	cmd.Flags().StringVar(&o.To, "to", "", "the directory to restore to; it must be empty or not exist")
	cmd.Flags().StringArrayVar(&o.Only, "only", nil, "restore only paths that match this pattern, like 'shop/*.ibd' (may be repeated)")
	keys.add(cmd)
	a.jsonFlag(cmd, "print the result as one JSON object")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.To == "" {
			return usagef("restore needs --to DIR: the directory to restore to")
		}
		o.Backup, o.Target = args[0], flags.target
		return a.withAgent(cmd.Context(), func(s *session) error { return a.restore(cmd.Context(), s, o, keys) })
	}
	return cmd
}

func (a *app) restore(ctx context.Context, s *session, o agent.RestoreOptions, keys keyFlags) error {
	j, err := s.job(ctx, a, agent.JobOf(o.Backup))
	if err != nil {
		return err
	}
	d := a.newDisplay()
	o.Observe, o.Keys = d.observe, keys.keys(a, knowsPassphrase(j))
	report, err := s.Restore(ctx, j, o)
	d.close()
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(report)
	}
	a.printf("backup %s from %s: %d files, %s, restored to %s and verified\n",
		report.Backup, report.Target, report.Files, size(report.DataBytes), report.To)
	return nil
}
