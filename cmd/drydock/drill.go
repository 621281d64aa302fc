package main

import (
	"context"
	"fmt"

	"github.com/drydock-backup/drydock/agent"
)

func (a *app) drill(ctx context.Context, s *session, o agent.DrillOptions, keys keyFlags) error {
	j, err := s.job(ctx, a, agent.JobOf(o.Backup))
	if err != nil {
		return err
	}
	d := a.newDisplay()
	o.Observe, o.Keys = d.observe, keys.keys(a, knowsPassphrase(j))
	report, err := s.Drill(ctx, j, o)
	d.close()
	if err != nil && report.Program == "" {
		return err
	}
	if a.json {
		return a.printJSONOf(report, err)
	}
	a.printDamaged(report.Damaged)
	if err != nil {
		return err
	}
	a.printf("backup %s at %s is proven restorable: %s\n", report.Backup, report.Target, provenText(report))
	return nil
}

func provenText(r agent.DrillReport) string {
	return fmt.Sprintf("%s ran on it, %d tables are whole, %d queries gave what they should (%s)",
		r.Server, r.Tables, r.Queries, secondsSpan(r.Seconds))
}
