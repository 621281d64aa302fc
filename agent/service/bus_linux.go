package service

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// connect opens a connection to systemd: through the system bus (for root also without one, over systemd's own
// socket), or through the bus with the given address.
func connect(ctx context.Context, address string) (*dbus.Conn, error) {
	if address == "" {
		return dbus.NewWithContext(ctx)
	}
	return dbus.NewConnection(func() (*godbus.Conn, error) {
		conn, err := godbus.Dial(address, godbus.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		if err := conn.Auth(nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		if err := conn.Hello(); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return conn, nil
	})
}

// state reads the unit's properties. A unit that systemd does not know has the LoadState not-found.
func (u *unit) state(ctx context.Context, conn *dbus.Conn) (UnitState, error) {
	p, err := conn.GetAllPropertiesContext(ctx, u.name)
	if err != nil {
		return UnitState{}, err
	}
	s := UnitState{
		LoadState: text(p["LoadState"]), ActiveState: text(p["ActiveState"]), SubState: text(p["SubState"]),
		Result: text(p["Result"]), Type: text(p["Type"]), Restart: text(p["Restart"]), KillMode: text(p["KillMode"]),
	}
	if pid, ok := p["MainPID"].(uint32); ok {
		s.MainPID = int(pid)
	}
	if status, ok := p["ExecMainStatus"].(int32); ok {
		s.ExitStatus = int(status)
	}
	if us, ok := p["TimeoutStopUSec"].(uint64); ok && us < math.MaxInt64/uint64(time.Microsecond) {
		s.TimeoutStop = time.Duration(us) * time.Microsecond
	}
	return s, nil
}

func text(v any) string {
	s, ok := v.(string)
	if !ok {
		return ""
	}
	return s
}

// timedOut says that the time was up, or the caller gave up, where the connection that ends with ctx only says that it is
// closed.
func timedOut(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if err == nil || cause == nil || errors.Is(err, cause) || !errors.Is(err, net.ErrClosed) && !errors.Is(err, godbus.ErrClosed) {
		return err
	}
	return fmt.Errorf("%w (%w)", cause, err)
}

// classify gives a D-Bus error its kind. What has one keeps it.
func (u *unit) classify(err error, op string) error {
	var bus godbus.Error
	if !errors.As(err, &bus) {
		var kinded *errs.Error
		if err == nil || errors.As(err, &kinded) {
			return prefix(err, op+" "+u.name)
		}
		return errs.Wrap(errs.Transient, err, "%s %s", op, u.name)
	}
	switch name := bus.Name; {
	case strings.HasSuffix(name, ".NoSuchUnit"):
		return errs.Wrap(errs.NotFound, err, "%s %s", op, u.name)
	case strings.HasSuffix(name, ".InteractiveAuthorizationRequired"), strings.HasSuffix(name, ".AccessDenied"),
		strings.Contains(name, ".PolicyKit1."):
		return errs.Wrap(errs.Permission, err, "%s %s: run as root, or give this user a polkit rule for "+
			"org.freedesktop.systemd1.manage-units", op, u.name)
	case strings.HasSuffix(name, ".NoReply"), strings.HasSuffix(name, ".Disconnected"), strings.HasSuffix(name, ".TimedOut"):
		return errs.Wrap(errs.Transient, err, "%s %s", op, u.name)
	}
	return errs.Wrap(errs.Permanent, err, "%s %s", op, u.name)
}

// prefix says what was tried and keeps the kind.
func prefix(err error, op string) error {
	if err == nil {
		return nil
	}
	return errs.Wrap(errs.KindOf(err), err, "%s", op)
}
