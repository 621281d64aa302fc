package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/archive"
)

// backupFlags say where a backup is looked for.
type backupFlags struct{ target string }

func (a *app) backupFlags(cmd *cobra.Command) *backupFlags {
	f := &backupFlags{}
	a.fileFlag(cmd)
	cmd.Flags().StringVar(&f.target, "target", "", "read from this target (default: the first that holds the backup)")
	return f
}

const backupArg = `BACKUP is an id from drydock backups, or "latest". The job is known from an earlier run on this host; else name its
file with --file.`

func (a *app) verifyCommand() *cobra.Command {
	var deep, drill bool
	var keys keyFlags
	var o agent.DrillOptions
	cmd := &cobra.Command{
		Use:   "verify BACKUP",
		Short: "prove that a stored backup is whole",
		Long: `verify reads a stored backup and checks it against its manifest: every chunk's SHA-256. With --deep it also
decompresses every file in it, checks size, CRC-32 and SHA-256, and the checksum of every page of InnoDB's tablespaces: a
damaged page in a file whose SHA-256 is right was damaged before the backup was made. The exit code is 5 when something is
damaged, the backup or the database that it was made of.

With --drill it restores the backup to a scratch directory and starts a server on it that is alone: no network, no replication,
no events, no files but these. The server checks every table and runs the queries of the job's verify block. That a fitting
server and enough room are there is made sure of before anything is fetched; afterwards nothing of it is left.

What was found is kept on this host, and shown by drydock backups.

` + backupArg + "\n\n" + keyHelp + " Without --deep no key is needed.",
		Args: exactArgs(1, "BACKUP"),
	}
	flags := a.backupFlags(cmd)
	cmd.Flags().BoolVar(&deep, "deep", false, "also check every file in the artifact")
	cmd.Flags().BoolVar(&drill, "drill", false, "restore it to a scratch directory and start a real server on it")
	cmd.Flags().StringVar(&o.Server, "mysqld", "", "for --drill: the server's program (default: the job's, or one that is found)")
	cmd.Flags().StringVar(&o.Scratch, "scratch", "", "for --drill: a directory with room for all data (default: the job's, or in drydock's state)")
	cmd.Flags().StringArrayVar(&o.Keyring, "keyring", nil, "for --drill: a copy of the server's keyring file (default: the job's, or the one in the backup)")
	_, _ = cmd.MarkFlagFilename("mysqld"), cmd.MarkFlagDirname("scratch")
	cmd.MarkFlagsMutuallyExclusive("deep", "drill")
	keys.add(cmd)
	a.jsonFlag(cmd, "print the report as one JSON object")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case drill:
			o.Backup, o.Target = args[0], flags.target
			return a.withAgent(cmd.Context(), func(s *session) error { return a.drill(cmd.Context(), s, o, keys) })
		case o.Server != "" || o.Scratch != "" || len(o.Keyring) > 0:
			return usagef("--mysqld, --scratch and --keyring are for --drill")
		}
		return a.withAgent(cmd.Context(), func(s *session) error { return a.verify(cmd.Context(), s, args[0], *flags, keys, deep) })
	}
	return cmd
}

func (a *app) verify(ctx context.Context, s *session, id string, flags backupFlags, keys keyFlags, deep bool) error {
	j, err := s.job(ctx, a, agent.JobOf(id))
	if err != nil {
		return err
	}
	d := a.newDisplay()
	report, err := s.Verify(ctx, j, agent.VerifyOptions{Backup: id, Target: flags.target, Deep: deep,
		Keys: keys.keys(a, knowsPassphrase(j)), Observe: d.observe})
	d.close()
	if err != nil && report.Backup == "" {
		return err
	}
	if a.json {
		return a.printJSONOf(report, err)
	}
	a.printDamaged(report.Damaged)
	for _, x := range report.DamagedPages {
		a.printf("damaged before the backup was made: %s\n", printable(x.String()))
	}
	if len(report.Damaged) > 0 {
		return err
	}
	a.printf("backup %s at %s: %d chunks, %s, every digest is right\n", report.Backup, report.Target, report.Chunks, size(report.Bytes))
	if deep {
		a.printf("every one of its %d files decompresses to the bytes that were read (%s)\n", report.Files, size(report.DataBytes))
	}
	if report.Pages != nil {
		a.printf("pages: %s\n", pagesText(*report.Pages))
	}
	return err
}

// printDamaged names what is wrong with a backup.
func (a *app) printDamaged(all []archive.Damage) {
	for _, x := range all {
		a.printf("damaged: %s: %s\n", printable(x.Path), printable(x.Reason))
	}
}
