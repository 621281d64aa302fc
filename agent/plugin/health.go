package plugin

import (
	"context"
	"fmt"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/host"
)

// A provider that does not answer its health checks hangs. It is killed, so that calls which wait for it fail and are made
// again at a new process.
const (
	defaultHealth = 20 * time.Second // between two checks; also how long one may take
	maxMisses     = 3                // in a row
)

// attend asks a provider for signs of life until its process has ended.
func (h *Host) attend(process *host.Process) {
	ticker := time.NewTicker(h.options.Health)
	defer ticker.Stop()
	for misses := 0; ; {
		select {
		case <-process.Done():
			return
		case <-h.life.Done(): // Close ends the process
			<-process.Done()
			return
		case <-ticker.C:
		}
		err := h.askHealth(process)
		if err == nil {
			misses = 0
			continue
		}
		misses++
		h.options.Log.Warn("provider does not answer its health check", "process", process.PID(), "misses", misses, "error", err)
		if misses == maxMisses {
			process.Kill(fmt.Sprintf("it did not answer %d health checks in a row", misses))
		}
	}
}

// askHealth makes one check. An answer is a sign of life, whatever it says.
func (h *Host) askHealth(process *host.Process) error {
	ctx, cancel := context.WithTimeout(h.life, h.options.Health)
	defer cancel()
	err := process.Health(ctx)
	if errs.Is(err, errs.Canceled) || errs.Is(err, errs.Transient) {
		return err
	}
	return nil
}
