package mysql

import (
	"context"
	"errors"
	"fmt"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// ErrMayBeStopping is in the chain of a Shutdown error after which the server may well be stopping: the connection was
// lost, or the server said that it is shutting down already. The caller looks at the process and the data directory
// until its own timeout.
var ErrMayBeStopping = errors.New("the server may be stopping all the same")

// Shutdown asks the server to shut down cleanly. It does not wait for it. An error is either ErrMayBeStopping or means
// that the server was not asked: a refused login and a missing privilege are of kind Permission.
func (s *Server) Shutdown(ctx context.Context) error {
	return fault.Around("mysql.shutdown", func() error {
		return s.session(ctx, "shut down", func(ctx context.Context, c *session) error {
			_, err := c.ExecContext(ctx, "SHUTDOWN")
			switch {
			case notAllowed(err):
				return errs.Wrap(errs.Permission, err, "shut down: type GRANT SHUTDOWN ON *.* TO %s", account(ctx, c))
			case lost(err) || isNumber(err, erServerShutdown):
				return errs.Wrap(errs.Transient, fmt.Errorf("%w: %w", ErrMayBeStopping, err), "shut down %s", s.addr)
			}
			return err
		})
	})
}
