package step

import (
	"context"
	"fmt"
)

// Confirm proves that MySQL serves as it did before: it answers a query, and what a restart loses is put back.
type Confirm struct {
	Backup   *Backup
	Instance Instance
	Server   Server
	Journal  Journal
}

// Name implements run.Step.
func (*Confirm) Name() string { return "confirm" }

// Do asks the server, puts its settings back and disarms the intent.
func (c *Confirm) Do(ctx context.Context) error {
	if !c.Backup.Downtime.Began.IsZero() {
		if err := c.Instance.Answers(ctx); err != nil {
			return fmt.Errorf("ask the restarted server: %w", err)
		}
		if err := c.Server.Apply(ctx, c.Backup.Survey.Settings); err != nil {
			return fmt.Errorf("put back what the restart lost: %w", err)
		}
	}
	if err := c.Journal.Disarm(ctx); err != nil {
		return fmt.Errorf("disarm the intent: %w", err)
	}
	return nil
}
