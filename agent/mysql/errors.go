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

// Error numbers of the server that callers act on (MySQL's "Server Error Message Reference"; MariaDB shares them).
var (
	loginRefused = []uint16{1045, 1130, 1698, 1862, 3118, 3955, 4151} // wrong password, host not allowed, expired, locked
	notAllowed   = []uint16{1044, 1142, 1143, 1227, 1370, 1095}       // logged in, but a privilege is missing
	comeLater    = []uint16{1040, 1053, 1129, 1203, 1226, 3032}       // too many connections, shutting down, host blocked, offline
)

// erServerShutdown is ER_SERVER_SHUTDOWN.
const erServerShutdown = 1053

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
	case isNumber(err, loginRefused...):
		return errs.Wrap(errs.Permission, err, "%s %s: log in as %q", op, s.addr, s.user)
	case isNumber(err, notAllowed...):
		return errs.Wrap(errs.Permission, err, "%s %s as %q", op, s.addr, s.user)
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s %s: %w", op, s.addr, context.Cause(ctx))
	case isNumber(err, comeLater...), lost(err):
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
