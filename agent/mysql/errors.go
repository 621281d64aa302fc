package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// ErrLoginRefused is in the chain of the error of a server that is up and does not let the job's user in.
var ErrLoginRefused = errors.New("the login is refused")

// erServerShutdown is ER_SERVER_SHUTDOWN. The numbers here are from MySQL's "Server Error Message Reference"; MariaDB
// shares them.
const erServerShutdown = 1053

// loginRefused: wrong password, host not allowed, no such plugin, password expired, account locked or blocked.
func loginRefused(err error) bool { return isNumber(err, 1045, 1130, 1698, 1862, 3118, 3955, 4151) }

// notAllowed: logged in, but a privilege is missing.
func notAllowed(err error) bool { return isNumber(err, 1044, 1095, 1142, 1143, 1227, 1370) }

// comeLater: too many connections, shutting down, host blocked, limits used up, offline mode.
func comeLater(err error) bool { return isNumber(err, 1040, erServerShutdown, 1129, 1203, 1226, 3032) }

func isNumber(err error, numbers ...uint16) bool {
	var e *mysqldriver.MySQLError
	return errors.As(err, &e) && slices.Contains(numbers, e.Number)
}

// classify gives an error its kind. What has one keeps it.
func (s *Server) classify(ctx context.Context, err error, op string) error {
	var kinded *errs.Error
	switch {
	case err == nil || errors.As(err, &kinded):
		return err
	case loginRefused(err):
		return errs.Wrap(errs.Permission, fmt.Errorf("%w: %w", ErrLoginRefused, err), "%s %s: log in as %q", op, s.addr, s.user)
	case notAllowed(err):
		return errs.Wrap(errs.Permission, err, "%s %s as %q", op, s.addr, s.user)
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s %s: %w", op, s.addr, context.Cause(ctx))
	case comeLater(err), lost(err):
		return errs.Wrap(errs.Transient, err, "%s %s", op, s.addr)
	}
	return errs.Wrap(errs.Permanent, err, "%s %s", op, s.addr)
}

// lost reports whether err means that the server is not there, went away or does not answer.
func lost(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysqldriver.ErrInvalidConn) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
