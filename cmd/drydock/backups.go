package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
)

func (a *app) backupsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backups [JOB]",
		Short: "list what the targets hold, read from the targets",
		Long: `backups lists what the targets hold, the newest first, read from the targets, and what verifications on this host have found.
A target that does not answer is named on standard error; what the others hold is listed all the same, and the exit code
is 4. It is 1 when none has answered.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
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
	list, failed := s.Backups(ctx, j)
	if err := a.printBackups(j.Name, list, failed); err != nil {
		return err
	}
	var unlisted *agent.UnlistedError
	if !errors.As(failed, &unlisted) || unlisted.Answered == 0 {
		return failed
	}
	for _, err := range unlisted.Errs {
		fmt.Fprintln(a.stderr, "warning: not listed:", printable(err.Error()))
	}
	return &silentError{exitPartial}
}

// printBackups prints what was listed, also where some target has failed.
func (a *app) printBackups(job string, list []agent.Backup, failed error) error {
	if a.json {
		return a.printJSON(list)
	}
	if len(list) == 0 {
		if failed == nil {
			a.printf("no backup of job %q at its targets\n", job)
		}
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
	return t.flush()
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
