package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
)

func (a *app) planCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan [JOB]",
		Short: "show what a run would do, and change nothing",
		Args:  usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAgent(cmd.Context(), func(s *session) error { return a.plan(cmd.Context(), s, first(args)) })
		},
	}
	a.fileFlag(cmd)
	a.jsonFlag(cmd, "print the plan as one JSON object")
	return cmd
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func (a *app) plan(ctx context.Context, s *session, name string) error {
	j, err := s.job(ctx, a, name)
	if err != nil {
		return err
	}
	p, err := s.Plan(ctx, j)
	if err != nil {
		return err
	}
	if a.json {
		if err := a.printJSON(p); err != nil {
			return err
		}
	} else {
		a.printPlan(p)
	}
	if !p.OK {
		return &silentError{exitFailed}
	}
	return nil
}

func (a *app) printPlan(p agent.Plan) {
	a.printf("job %s\n\n", p.Job)
	a.printf("  server      %s\n", serverLine(p))
	a.printf("  data        %s in %d files (%s on disk) below %s\n", size(p.DataBytes), p.Files, size(p.AllocatedBytes), p.DataDir)
	a.printf("  spool       %s free in %s\n", size(p.SpoolFree), p.SpoolDir)
	a.printf("  downtime    %s predicted%s\n", secondsSpan(p.PredictedSeconds), budget(p.BudgetSeconds))
	a.printf("  artifact    %s\n", p.Key)
	if len(p.SealedFor) > 0 {
		a.printf("  opened by   %s\n", printable(strings.Join(p.SealedFor, ", ")))
	}
	for _, t := range p.Targets {
		a.printf("  target      %s\n", targetLine(t))
		for _, note := range t.Notes {
			a.printf("              %s\n", printable(note))
		}
	}
	if p.Drill != nil {
		a.printf("  drill       %s\n", drillPlan(*p.Drill))
	}
	a.printf("\n")
	for i, s := range p.Steps {
		a.printf("  %d. %s\n", i+1, s)
	}
	for _, w := range p.Warnings {
		a.printf("\nwarning: %s\n", w)
	}
	for _, r := range p.Refused {
		a.printf("\nrefused: %s\n", r)
	}
}

// drillPlan tells whether a drill is due, and with what it would be made.
func drillPlan(d agent.PlanDrill) string {
	text := "not due"
	if d.Due {
		text = "due"
	}
	text += "; last proven restorable: " + dayText(d.LastProven)
	if d.Server != "" {
		text += fmt.Sprintf("; %s (%s) in %s", d.Server, d.Program, d.ScratchDir)
	}
	return text
}

// budget tells max_downtime where a job sets it.
func budget(seconds float64) string {
	if seconds == 0 {
		return ""
	}
	return ", max_downtime " + secondsSpan(seconds)
}

func serverLine(p agent.Plan) string {
	if !p.Running {
		return "down; it is backed up as it is, and stays down"
	}
	return fmt.Sprintf("%s %s on %s, process %d", p.Product, p.Version, p.Hostname, p.PID)
}

func targetLine(t agent.PlanTarget) string {
	line := fmt.Sprintf("%s (%s)", t.Label, t.Type)
	switch {
	case t.Error != "":
		return line + ": " + t.Error
	case t.Free >= 0:
		return line + ": " + size(t.Free) + " free"
	}
	return line + ": ready"
}
