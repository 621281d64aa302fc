package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
)

func (a *app) runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run [JOB]",
		Short: "make one backup now",
		Long: `run makes one backup: it stops MySQL, archives the data directory into Data.zip, ships it to every target, starts
MySQL again, reads the stored copies back and ends with the backup's id and the measured downtime. Ctrl-C cancels the
run and brings MySQL back first. Where the job's verify block asks for drills and one is due, the new backup is restored to a
scratch directory afterwards, and a real server is started on it.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAgent(cmd.Context(), func(s *session) error { return a.run(cmd.Context(), s, first(args)) })
		},
	}
	a.fileFlag(cmd)
	a.jsonFlag(cmd, "print one JSON event per line; the last has event = \"finished\"")
	cmd.AddCommand(a.runShowCommand())
	return cmd
}

func (a *app) run(ctx context.Context, s *session, name string) error {
	j, err := s.job(ctx, a, name)
	if err != nil {
		return a.reviveFirst(ctx, s, name, err)
	}
	return a.watched(func(observe func(agent.Event)) (agent.Outcome, error) { return s.Run(ctx, j, observe) })
}

// watched runs f with a display that fits the terminal, and prints how it ended.
func (a *app) watched(f func(observe func(agent.Event)) (agent.Outcome, error)) error {
	if a.json {
		return a.watchedJSON(f)
	}
	d := a.newDisplay()
	out, err := f(d.observe)
	d.close()
	if out.Status != "" {
		a.printOutcome(out)
	}
	return err
}

// watchedJSON prints events. The finished event carries the exit code, so it is printed here, where that is known.
func (a *app) watchedJSON(f func(observe func(agent.Event)) (agent.Outcome, error)) error {
	line := a.jsonLines()
	out, err := f(func(e agent.Event) {
		if e.Event != agent.EventFinished {
			line(e)
		}
	})
	if out.Status == "" {
		return err
	}
	if err != nil {
		out.ExitCode = codeOf(err)
	}
	line(agent.Event{Time: out.Finished, Event: agent.EventFinished, Run: out.RunID, Outcome: &out})
	return err
}

func (a *app) printOutcome(out agent.Outcome) {
	if out.BackupID != "" {
		a.printf("backup    %s\n", out.BackupID)
		a.printf("artifact  %s, %s from %s of data in %d files\n", out.Key, size(out.ArtifactBytes), size(out.DataBytes), out.Files)
		a.printf("stored    %s\n", strings.Join(storedAt(out), ", "))
	}
	if out.Pages != nil {
		a.printf("pages     %s\n", pagesText(*out.Pages))
	}
	if out.Drill != nil {
		a.printf("drill     %s\n", drillText(*out.Drill))
	}
	a.printf("downtime  %s (predicted %s%s)\n", secondsSpan(out.DowntimeSeconds), secondsSpan(out.PredictedSeconds),
		budget(out.BudgetSeconds))
	a.printf("status    %s\n", out.Status)
}

// drillText tells what came of a drill; why it came to nothing is told beside it.
func drillText(d agent.RunDrill) string {
	switch {
	case d.Proven:
		return fmt.Sprintf("proven restorable from %s: %s", d.Target, provenText(d.DrillReport))
	case len(d.Damaged) > 0:
		return fmt.Sprintf("FAILED: %s: %s", printable(d.Damaged[0].Path), printable(d.Damaged[0].Reason))
	}
	return "the backup is not proven"
}

func storedAt(out agent.Outcome) []string {
	var labels []string
	for _, t := range out.Targets {
		if t.Stored {
			labels = append(labels, t.Target)
		}
	}
	return labels
}

func (a *app) resumeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resume [RUN]",
		Short: "ship what an earlier run could not",
		Long: `resume takes up a run whose artifact is whole in the spool but has not reached every target. Chunks that arrived
earlier are verified before they are trusted. Without RUN it takes up every such run of the job.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAgent(cmd.Context(), func(s *session) error { return a.resume(cmd.Context(), s, first(args)) })
		},
	}
	a.fileFlag(cmd)
	a.jsonFlag(cmd, "print one JSON event per line")
	return cmd
}

func (a *app) resume(ctx context.Context, s *session, id string) error {
	j, err := s.job(ctx, a, agent.JobOf(id))
	if err != nil {
		return err
	}
	ids := []string{id}
	if id == "" {
		if ids, err = s.Waiting(ctx, j); err != nil {
			return err
		}
	}
	var failed []error
	for _, id := range ids {
		failed = append(failed, a.watched(func(observe func(agent.Event)) (agent.Outcome, error) {
			return s.Resume(ctx, j, id, observe)
		}))
	}
	if len(ids) == 0 && !a.json {
		a.printf("nothing waits to be shipped\n")
	}
	return errors.Join(failed...)
}
