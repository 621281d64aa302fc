package service

import (
	"context"
	"fmt"
	"os/exec"
	"os/user"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// unit is a server that systemd starts and stops. Each call has a D-Bus connection of its own: hours lie between them.
type unit struct {
	name string
	bus  string
}

func newUnit(s job.Service, o Options) (Manager, error) {
	if s.Unit == "" {
		return nil, errs.New(errs.Invalid, "service \"systemd\": unit is empty")
	}
	return &unit{name: s.Unit, bus: o.Bus}, nil
}

// askTimeout bounds questions to systemd, which answers at once or not at all.
const askTimeout = 10 * time.Second

// with connects, calls f and disconnects.
func (u *unit) with(ctx context.Context, op string, f func(*dbus.Conn) error) error {
	conn, err := connect(ctx, u.bus)
	if err != nil {
		return errs.Wrap(errs.Transient, timedOut(ctx, err), "%s %s: reach systemd over D-Bus", op, u.name)
	}
	defer conn.Close()
	return u.classify(timedOut(ctx, f(conn)), op)
}

// Start starts the unit and waits for systemd's job: for a unit of type notify that is until the server is ready.
func (u *unit) Start(ctx context.Context) error {
	return u.with(ctx, "start unit", func(conn *dbus.Conn) error {
		if err := u.loaded(ctx, conn); err != nil {
			return err
		}
		// A unit that failed or was started often of late is refused until that is forgotten, and this start is on purpose.
		// Who may start units, but not do this, is served as well as can be.
		forget := conn.ResetFailedUnitContext(ctx, u.name)
		err := u.await(ctx, conn, "start", conn.StartUnitContext)
		if err != nil && errs.Is(u.classify(forget, ""), errs.Permission) {
			err = fmt.Errorf("%w (nor could its failures be forgotten: %s)", err, forget.Error())
		}
		return err
	})
}

// loaded makes sure that systemd knows the unit and may start it.
func (u *unit) loaded(ctx context.Context, conn *dbus.Conn) error {
	s, err := u.state(ctx, conn)
	if err != nil {
		return err
	}
	switch s.LoadState {
	case "loaded":
		return nil
	case "not-found":
		return errs.New(errs.NotFound, "unit %s does not exist; `systemctl list-unit-files` names those that do", u.name)
	case "masked":
		return errs.New(errs.Permanent, "unit %s is masked; type: systemctl unmask %s", u.name, u.name)
	}
	return errs.New(errs.Permanent, "unit %s cannot be loaded (%s); `systemctl status %s` says why", u.name, s.LoadState, u.name)
}

// Stop stops an active unit and waits for systemd's job.
func (u *unit) Stop(ctx context.Context) (handled bool, err error) {
	err = u.with(ctx, "stop unit", func(conn *dbus.Conn) error {
		if err := u.loaded(ctx, conn); err != nil {
			return err // what could not be started again is not stopped
		}
		s, err := u.state(ctx, conn)
		if err != nil || s.idle() {
			return err
		}
		handled = true
		return u.await(ctx, conn, "stop", conn.StopUnitContext)
	})
	return handled || err != nil, err
}

// Check makes sure that the unit can be loaded and that the agent may manage it: to start what is active already changes
// nothing, but takes the same right as to stop it; so does, for a unit that is not active, to forget its failures.
func (u *unit) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return u.with(ctx, "check unit", func(conn *dbus.Conn) error {
		if err := u.loaded(ctx, conn); err != nil {
			return err
		}
		s, err := u.state(ctx, conn)
		switch {
		case err != nil:
		case s.ActiveState == "active":
			_, err = conn.StartUnitContext(ctx, u.name, "fail", nil)
		case s.idle():
			if forget := conn.ResetFailedUnitContext(ctx, u.name); errs.Is(u.classify(forget, ""), errs.Permission) {
				err = forget
			}
		}
		return err
	})
}

type jobCall func(ctx context.Context, name, mode string, done chan<- string) (int, error)

// await queues a job and waits for its result.
func (u *unit) await(ctx context.Context, conn *dbus.Conn, verb string, call jobCall) error {
	done := make(chan string, 1)
	if _, err := call(ctx, u.name, "replace", done); err != nil {
		return err
	}
	select {
	case result := <-done:
		if result == "done" {
			return nil
		}
		return u.jobFailed(ctx, conn, verb, result)
	case <-ctx.Done():
		return errs.Wrap(errs.Transient, context.Cause(ctx), "systemd's job to %s it has not ended yet", verb)
	}
}

// jobFailed says what systemd knows about a job that did not get "done".
func (u *unit) jobFailed(ctx context.Context, conn *dbus.Conn, verb, result string) error {
	err := errs.New(errs.Permanent, "systemd's job to %s it ended with %q", verb, result)
	if s, stateErr := u.state(ctx, conn); stateErr == nil {
		err = errs.Wrap(errs.Permanent, err, "it is %s (%s), its last result is %q, exit status %d",
			s.ActiveState, s.SubState, s.Result, s.ExitStatus)
	}
	if tail := u.LogTail(errorLines); tail != "" {
		err = fmt.Errorf("%w; the end of its journal:\n%s", err, tail)
	}
	return err
}

// Running reports whether the unit is neither inactive nor failed.
func (u *unit) Running(ctx context.Context) (bool, error) {
	s, err := u.Unit(ctx)
	return err == nil && !s.idle(), err
}

// Unit asks systemd for the unit's state.
func (u *unit) Unit(ctx context.Context) (s UnitState, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	err = u.with(ctx, "look at unit", func(conn *dbus.Conn) (err error) {
		s, err = u.state(ctx, conn)
		return err
	})
	return s, err
}

// Manual names systemctl and journalctl; sudo is for who is not root.
func (u *unit) Manual() []string {
	name, sudo := Quote(u.name), ""
	if me, err := user.Current(); err == nil && me.Uid != "0" {
		sudo = "sudo "
	}
	look := sudo + "journalctl -u " + name + " -n 50 --no-pager"
	return []string{sudo + "systemctl start " + name, "systemctl status " + name, look}
}

// LogTail asks journalctl; a host without it, or without the right to read the journal, gives "".
func (u *unit) LogTail(n int) string {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "journalctl", "--quiet", "--no-pager", "--output=short-iso",
		"-n", strconv.Itoa(n), "-u", u.name)
	cmd.WaitDelay = killDelay
	out, err := cmd.Output()
	if err != nil || len(out) == 0 {
		return ""
	}
	return lastLines(string(out), n)
}
