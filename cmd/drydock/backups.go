package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
)

func (a *app) backupsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backups [JOB]",
		Short: "list what the targets hold, read from the targets",
		Args:  usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAgent(cmd.Context(), func(s *session) error { return a.backups(cmd.Context(), s, first(args)) })
		},
	}
	a.fileFlag(cmd)
	a.jsonFlag(cmd, "print one JSON array: id, job, target, key, created, bytes, data_bytes, sealed, verified, held_until, legal_hold, damage")
	return cmd
}

func (a *app) backups(ctx context.Context, s *session, name string) error {
	j, err := s.job(ctx, a, name)
	if err != nil {
		return err
	}
	// A target that cannot be listed is an error, but what the others hold is shown all the same.
	list, failed := s.Backups(ctx, j)
	if a.json {
		if err := a.printJSON(list); err != nil {
			return err
		}
		return failed
	}
	if len(list) == 0 && failed == nil {
		a.printf("no backup of job %q at its targets\n", j.Name)
		return nil
	}
	t := a.table("BACKUP", "TARGET", "CREATED", "SIZE", "DATA", "HELD", "KEY")
	for _, b := range list {
		id := b.ID
		if b.Damage != "" {
			id = "DAMAGED: " + b.Damage
		}
		t.row(printable(id), b.Target, b.Created.Local().Format("2006-01-02 15:04:05"), size(b.Bytes), size(b.DataBytes),
			heldText(b), printable(b.Key))
	}
	if err := t.flush(); err != nil {
		return err
	}
	return failed
}

// heldText says whether and how long a target keeps a backup from being deleted.
func heldText(b agent.Backup) string {
	switch {
	case b.LegalHold:
		return "legal hold"
	case !b.HeldUntil.IsZero():
		return "until " + b.HeldUntil.Local().Format("2006-01-02")
	}
	return "-"
}

func (a *app) runsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runs [JOB]",
		Short: "list the runs of a job, newest first",
		Args:  usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAgent(cmd.Context(), func(s *session) error { return a.runs(cmd.Context(), s, first(args)) })
		},
	}
	a.fileFlag(cmd)
	a.jsonFlag(cmd, "print one JSON array: run, job, started, finished, status, step, downtime_seconds, data_bytes, artifact_bytes, error")
	return cmd
}

func (a *app) runs(ctx context.Context, s *session, name string) error {
	j, err := s.job(ctx, a, name)
	if err != nil {
		return err
	}
	rows, err := s.Runs(ctx, j)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(rows)
	}
	t := a.table("RUN", "STARTED", "STATUS", "DOWNTIME", "DATA", "ARTIFACT", "ERROR")
	for _, r := range rows {
		t.row(r.RunID, r.Started.Local().Format("2006-01-02 15:04:05"), r.Status, secondsSpan(r.DowntimeSeconds),
			size(r.DataBytes), size(r.ArtifactBytes), printable(shorten(r.Error)))
	}
	return t.flush()
}

func shorten(s string) string {
	const most = 100
	if line := firstLine(s); len(line) <= most {
		return line
	}
	return fmt.Sprintf("%.*s...", most, s)
}
