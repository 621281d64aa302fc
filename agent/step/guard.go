package step

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Guard knows who could change the files of the server while it is down.
type Guard interface {
	// Meddler names a process that works on the data directory or at one of the outside paths; "" is nobody.
	Meddler(outside []string) (who string, err error)
}

// TouchedError says that somebody else was at the data directory while MySQL was down: most often the server itself,
// that a service manager has started again.
type TouchedError struct {
	Who  string // and what it does there
	When string
}

// Error says who, and when.
func (e *TouchedError) Error() string {
	return e.Who + " " + e.When + ": no consistent copy can be made"
}

// Hint says what the user can do.
func (e *TouchedError) Hint() string {
	return "if a service manager starts the server again by itself, let drydock stop and start it through that manager: " +
		`service "systemd" { unit = "..." }`
}

// The pause between two looks. A look that takes long, on a host with very many processes, is followed by a longer one.
const (
	watchEvery = 500 * time.Millisecond
	watchShare = 4 // times the look before
	watchMost  = 2 * time.Second
)

// watch looks at the data directory again and again, and cancels the copy as soon as somebody is there: a server that
// comes back has waited long enough. The caller ends it.
func (c *Capture) watch(ctx context.Context, cancel context.CancelCauseFunc) (end func()) {
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			began := time.Now()
			if err := c.untouched(); err != nil {
				cancel(err)
				return
			}
			select {
			case <-time.After(min(max(watchEvery, watchShare*time.Since(began)), watchMost)):
			case <-stop:
				return
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		close(stop)
		wg.Wait()
	}
}

// untouched makes sure that nobody works on the files that are copied.
func (c *Capture) untouched() error {
	who, err := c.Guard.Meddler(c.Backup.Survey.Facts.ExpandOutside())
	if err != nil {
		return fmt.Errorf("look who works on the data directory: %w", err)
	}
	if who != "" {
		return &TouchedError{Who: who, When: "during the copy"}
	}
	return nil
}
