package main

import (
	"context"
	"fmt"
	"time"

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
	a.jsonFlag(cmd, "print one JSON array: id, job, target, key, created, bytes, data_bytes, sealed, verified, last_verified, "+
		"verified_by, last_proven, last_failure, held_until, legal_hold, pages, newer, damage")
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
	t := a.table("BACKUP", "TARGET", "CREATED", "SIZE", "DATA", "PAGES", "VERIFIED", "PROVEN", "HELD", "KEY")
	for _, b := range list {
		id := b.ID
		switch {
		case b.Newer > 0:
			id = fmt.Sprintf("NEWER FORMAT: %s (version %d; use a later drydock)", b.ID, b.Newer)
		case b.Damage != "":
			id = "DAMAGED: " + b.Damage
		}
		t.row(printable(id), b.Target, b.Created.Local().Format("2006-01-02 15:04:05"), size(b.Bytes), size(b.DataBytes),
			pagesShort(b.Pages), verifiedText(b), dayText(b.LastProven), heldText(b), printable(b.Key))
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

// verifiedText says when a backup was last found whole, or that it was not.
func verifiedText(b agent.Backup) string {
	if b.LastFailure != "" {
		return "FAILED"
	}
	return dayText(b.LastVerified)
}

func dayText(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02")
}
