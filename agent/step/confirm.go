package step

import (
	"context"
	"fmt"
	"time"
)

// Confirm proves that MySQL serves as it did before: it answers a query, and what a restart loses is put back.
type Confirm struct {
	Backup   *Backup
	Instance Instance
	Server   Server
	Journal  Journal
	Guardian Guardian
}

// Name implements run.Step.
func (*Confirm) Name() string { return "confirm" }

// confirmLimit bounds the proof and the putting back, which have bounds of their own for each statement and channel.
const confirmLimit = 5 * time.Minute

// Do asks the server, puts its settings back and disarms intent and guardian. A cancellation does not cut it short: a
// replica whose threads stay off would be found out much later.
func (c *Confirm) Do(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), confirmLimit)
	defer cancel()
	if !c.Backup.Downtime.Began.IsZero() {
		if err := c.Instance.Answers(ctx); err != nil {
			return fmt.Errorf("ask the restarted server: %w", err)
		}
		c.Backup.PutBack = true
		if err := c.Server.Apply(ctx, c.Backup.Survey.Settings); err != nil {
			return fmt.Errorf("put back what the restart lost: %w", err)
		}
	}
	if err := c.Journal.Disarm(ctx); err != nil {
		return fmt.Errorf("disarm the intent: %w", err)
	}
	c.Guardian.StandDown()
	c.Backup.Downtime.Confirmed = true
	return nil
}
