package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
)

func (a *app) runsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runs [JOB]",
		Short: "list the runs of a job, newest first",
		Long: `runs lists what this host remembers of the runs of a job, or of all jobs, the newest first; also while one goes on.
A run that is waiting has its artifact in the spool, for targets that lack it: drydock agent ships it, or drydock resume.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAgent(cmd.Context(), func(s *session) error { return a.runs(cmd.Context(), s, first(args)) })
		},
	}
	a.fileFlag(cmd)
	a.jsonFlag(cmd, "print one JSON array: run, job, started, finished, status, downtime_seconds, data_bytes, artifact_bytes, error, "+
		"last_proven, drill_failure, waiting (since, bytes, tries, next_try, held, targets)")
	return cmd
}

func (a *app) runs(ctx context.Context, s *session, name string) error {
	names, err := a.jobNames(ctx, s, name)
	if err != nil {
		return err
	}
	rows := []agent.RunRow{}
	var failed []error
	for _, name := range names {
		more, err := s.Runs(ctx, name)
		rows, failed = append(rows, more...), append(failed, err)
	}
	slices.SortStableFunc(rows, func(x, y agent.RunRow) int { return y.Started.Compare(x.Started) })
	if a.json {
		return errors.Join(append(failed, a.printJSON(rows))...)
	}
	t := a.table("RUN", "STARTED", "STATUS", "DOWNTIME", "DATA", "ARTIFACT", "PROVEN", "WAITS FOR", "NEXT TRY", "ERROR")
	for _, r := range rows {
		t.row(r.RunID, when(r.Started), r.Status, secondsSpan(r.DowntimeSeconds), size(r.DataBytes), size(r.ArtifactBytes),
			provenRun(r), waitsFor(r.Waiting), nextTry(r.Waiting), printable(shorten(r.Error)))
	}
	return errors.Join(append(failed, t.flush())...)
}

// provenRun says when a server has last run on the backup of a run, or that its latest drill failed.
func provenRun(r agent.RunRow) string {
	switch {
	case r.DrillFailure != "":
		return "FAILED"
	case r.LastProven.IsZero():
		return "-"
	}
	return dayText(r.LastProven)
}

// jobNames are the jobs that the command is about: the one of --file, the one that is named, or all that have run here.
func (a *app) jobNames(ctx context.Context, s *session, name string) ([]string, error) {
	if a.file != "" {
		j, err := s.job(ctx, a, name)
		return []string{j.Name}, err
	}
	known, err := s.KnownJobs()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, k := range known {
		if name == "" || name == k.Name {
			names = append(names, k.Name)
		}
	}
	if len(names) == 0 && name != "" {
		return nil, usagef("job %q has not run here yet: name its file with --file", name)
	}
	return names, nil
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}

// waitsFor tells which targets lack an artifact, and how much of it lies in the spool.
func waitsFor(w *agent.WaitingRow) string {
	if w == nil {
		return "-"
	}
	var labels []string
	for _, t := range w.Targets {
		labels = append(labels, t.Target)
	}
	return fmt.Sprintf("%s (%s)", strings.Join(labels, ", "), size(w.Bytes))
}

func nextTry(w *agent.WaitingRow) string {
	switch {
	case w == nil:
		return "-"
	case w.Held:
		return "held"
	}
	return when(w.NextTry)
}

func shorten(s string) string {
	const most = 100
	if line := firstLine(s); len(line) <= most {
		return line
	}
	return fmt.Sprintf("%.*s...", most, s)
}

func (a *app) runShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show RUN",
		Short: "tell all that is remembered of one run",
		Args:  exactArgs(1, "the id of a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAgent(cmd.Context(), func(s *session) error { return a.runShow(cmd.Context(), s, args[0]) })
		},
	}
	a.jsonFlag(cmd, "print one JSON object: the keys of drydock runs, and key, files, predicted_downtime_seconds, spool_dir, "+
		"mysql_pending, steps, targets, holder")
	return cmd
}

func (a *app) runShow(ctx context.Context, s *session, id string) error {
	if agent.JobOf(id) == "" {
		return usagef("%q is not the id of a run: drydock runs lists them", id)
	}
	d, err := s.ShowRun(ctx, id)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(d)
	}
	a.printRun(d)
	return nil
}

func (a *app) printRun(d agent.RunDetail) {
	a.printf("run        %s\njob        %s\nstarted    %s\nfinished   %s\nstatus     %s\n", d.RunID, d.Job, when(d.Started),
		when(d.Finished), d.Status)
	if d.Holder != "" {
		a.printf("goes on    in %s\n", d.Holder)
	}
	if d.MySQLPending {
		a.printf("MySQL      was stopped by it, and nobody has made sure that it is up: drydock recover %s\n", d.Job)
	}
	a.printf("downtime   %s (predicted %s)\n", secondsSpan(d.DowntimeSeconds), secondsSpan(d.PredictedSeconds))
	if d.Key != "" {
		a.printf("artifact   %s, %s from %s of data in %d files\n", d.Key, size(d.ArtifactBytes), size(d.DataBytes), d.Files)
	}
	if d.Error != "" {
		a.printf("error      %s\n", printable(d.Error))
	}
	if p := provenRun(d.RunRow); p != "-" {
		a.printf("proven     %s\n", strings.TrimSpace(p+" "+printable(firstLine(d.DrillFailure))))
	}
	for _, t := range d.Targets {
		a.printf("target     %s: %s\n", t.Target, targetState(t))
	}
	if w := d.Waiting; w != nil {
		a.printf("waits      since %s, %s in %s, tried %d time(s), next try %s\n", when(w.Since), size(w.Bytes), d.SpoolDir, w.Tries,
			nextTry(w))
		for _, t := range w.Targets {
			a.printf("           for %s: %s\n", t.Target, printable(t.Error))
		}
	}
	for _, s := range d.Steps {
		took := "not done"
		if !s.Done.IsZero() {
			took = span(s.Done.Sub(s.Begun))
		}
		a.printf("step       %-9s %s, %s\n", s.Step, when(s.Begun), took)
	}
}

func targetState(t agent.TargetRow) string {
	if t.Stored {
		return "holds the backup"
	}
	return fmt.Sprintf("does not hold it (%d chunks have arrived)", t.Arrived)
}
