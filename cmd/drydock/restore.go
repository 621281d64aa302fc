package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
)

func (a *app) restoreCommand() *cobra.Command {
	var o agent.RestoreOptions
	var keys keyFlags
	cmd := &cobra.Command{
		Use:   "restore BACKUP --to DIR",
		Short: "restore a stored backup to a directory",
		Long: `restore writes the files of a stored backup to a directory, on all cores. It gives back bytes, modes, times, holes and,
when run as root, owners. Every file is read back from the disk and compared with its SHA-256 before it gets to its place.

Whether there is room is asked before anything is fetched. A directory that is not empty, or that a server works on, is
refused. An unfinished restore holds nothing that a server would start on, and a file .drydock-incomplete; the same command
goes on where it was interrupted. With --only, little more is fetched than what is asked for.

With --delta, DIR is the data directory of a server that is down. It is made like the backup: files that differ in size or
digest are replaced; what is not in the backup is removed, save what the backup left out on purpose. DIR stays as it is until
all that is new was fetched and proven, for which there must be room beside the old.

` + backupArg + "\n\n" + keyHelp,
		Args: exactArgs(1, "BACKUP"),
	}
	flags := a.backupFlags(cmd)
	cmd.Flags().StringVar(&o.To, "to", "", "the directory to restore to; it must be empty or not exist")
	cmd.Flags().StringArrayVar(&o.Only, "only", nil, "restore only paths that match this pattern, like 'shop/*.ibd' (may be repeated)")
	cmd.Flags().BoolVar(&o.Delta, "delta", false, "make an existing data directory like the backup; fetch only what differs")
	_ = cmd.MarkFlagDirname("to")
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
	a.printf("backup %s from %s: %d files, %s, restored to %s and read back from the disk\n",
		report.Backup, report.Target, report.Files, size(report.DataBytes), report.To)
	if o.Delta || report.Resumed {
		a.printf("%d of them were written, %d other things removed, %s fetched\n", report.FilesWritten, report.FilesRemoved, size(report.FetchedBytes))
	}
	a.printNext(report.Next)
	return nil
}

// printNext prints how to go on with a restored directory.
func (a *app) printNext(n agent.NextStep) {
	for _, note := range n.Notes {
		a.printf("note: %s\n", printable(note))
	}
	if n.Start != "" {
		a.printf("\nTo start a server on it:\n  %s\n", printable(n.Start))
	}
	c := n.Replication
	if c == nil {
		return
	}
	a.printf("\nTo make a replica of it that goes on where the backup ends (%s), with user and password added:\n", where(c))
	for _, q := range c.Statements {
		a.printf("  %s;\n", printable(q))
	}
}

// where names the position for people.
func where(c *agent.Coordinates) string {
	switch {
	case c.BinlogFile == "":
		return "GTIDs " + printable(c.GTIDSet)
	case c.Exact:
		return printable(c.BinlogFile) + ":" + strconv.FormatUint(c.BinlogPosition, 10)
	}
	return printable(c.BinlogFile) + ":" + strconv.FormatUint(c.BinlogPosition, 10) + " or later, as the server said before it stopped"
}
