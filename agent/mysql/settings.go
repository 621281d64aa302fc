package mysql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// Settings are what a restart may lose: set with SET GLOBAL, or by START and STOP REPLICA, and nowhere in a file. Some
// of it comes back by itself (SET PERSIST, a line in my.cnf, replication that starts with the server), some comes back
// otherwise (read_only in my.cnf while it was OFF), so Apply compares first and changes only what differs.
type Settings struct {
	// Variables by name: read_only, super_read_only, event_scheduler and everything of semi-synchronous replication.
	Variables map[string]string `json:"variables,omitempty"`
	Channels  []Channel         `json:"channels,omitempty"`
}

const (
	readOnly      = "read_only"
	superReadOnly = "super_read_only"
	scheduler     = "event_scheduler"
	semiSync      = "rpl_semi_sync_"
)

// kept reports whether a variable is part of Settings.
func kept(name string) bool {
	return name == readOnly || name == superReadOnly || name == scheduler || strings.HasPrefix(name, semiSync)
}

// Settings asks for what a restart would lose.
func (s *Server) Settings(ctx context.Context) (Settings, error) {
	var set Settings
	err := s.session(ctx, "read settings of", func(ctx context.Context, c *session) (err error) {
		set, _, err = c.settings(ctx)
		return err
	})
	return set, err
}

func (c *session) settings(ctx context.Context) (Settings, dialect, error) {
	vars, err := c.pairs(ctx, "SHOW GLOBAL VARIABLES")
	if err != nil {
		return Settings{}, dialect{}, err
	}
	d := dialectOf(vars["version"])
	maps.DeleteFunc(vars, func(name, _ string) bool { return !kept(name) })
	channels, err := c.channels(ctx, d)
	return Settings{Variables: vars, Channels: channels}, d, err
}

// Apply puts settings back after a start. Writes are shut out first where they were shut out, and let in last:
//
//	read_only = ON, semi-synchronous replication, replication threads, event_scheduler, read_only = OFF, super_read_only
//
// It goes on after a failure; the error joins one for each that did not come back. Applying twice does no harm.
func (s *Server) Apply(ctx context.Context, want Settings) error {
	return fault.Around("mysql.apply", func() error {
		return s.session(ctx, "put back settings of", func(ctx context.Context, c *session) error {
			now, d, err := c.settings(ctx)
			if err != nil {
				return err
			}
			// a session that locks tables must not hold this up for a year, which is the default
			if _, err := c.ExecContext(ctx, "SET SESSION lock_wait_timeout = 10"); err != nil {
				return err
			}
			a := apply{Server: s, session: c, dialect: d, now: now, want: want}
			a.all(ctx)
			return errors.Join(a.failed...)
		})
	})
}

// apply is one Apply under way.
type apply struct {
	*Server
	*session
	dialect
	now, want Settings
	restartIO bool // a semi-sync flag counts from the next start of the receiving thread on
	failed    []error
}

func (a *apply) all(ctx context.Context) {
	if isOn(a.want.Variables[readOnly]) {
		a.variable(ctx, readOnly)
	}
	for _, name := range slices.Sorted(maps.Keys(a.want.Variables)) {
		if strings.HasPrefix(name, semiSync) && a.variable(ctx, name) {
			a.restartIO = a.restartIO || strings.HasSuffix(name, "_replica_enabled") || strings.HasSuffix(name, "_slave_enabled")
		}
	}
	for _, ch := range a.want.Channels {
		a.check(ctx, ch.label(), a.channel(ctx, ch))
	}
	a.variable(ctx, scheduler)
	if !isOn(a.want.Variables[superReadOnly]) {
		a.variable(ctx, superReadOnly)
	}
	a.variable(ctx, readOnly)
	a.variable(ctx, superReadOnly)
}

// isOn reads a boolean. MariaDB 12 has more values than ON for read_only; each of them shuts writes out.
func isOn(value string) bool { return value != "" && value != "OFF" && value != "0" }

func (a *apply) check(ctx context.Context, what string, err error) {
	if err != nil {
		a.failed = append(a.failed, a.classify(ctx, err, "put back "+what+" at"))
	}
}

var plainName = regexp.MustCompile(`^[a-z_]+$`)

// variable sets a variable that differs, and reports whether it did.
func (a *apply) variable(ctx context.Context, name string) bool {
	want, ok := a.want.Variables[name]
	if !ok || a.now.Variables[name] == want {
		return false
	}
	err := a.set(ctx, name, want)
	a.check(ctx, fmt.Sprintf("%s = %s", name, want), err)
	a.now.Variables[name] = want // done, or reported: not twice
	return err == nil
}

func (a *apply) set(ctx context.Context, name, value string) error {
	if !plainName.MatchString(name) || !kept(name) {
		return errs.New(errs.Invalid, "%q is no variable that a run keeps", name)
	}
	if name == scheduler && value == "DISABLED" {
		value = "OFF" // DISABLED can be chosen at the start only; both run no event
	}
	if _, err := strconv.ParseInt(value, 10, 64); err != nil {
		value = quote(value)
	}
	_, err := a.ExecContext(ctx, "SET GLOBAL "+name+" = "+value)
	return err
}

func (a *apply) channel(ctx context.Context, want Channel) error {
	now, ok := find(a.now.Channels, want.Name)
	if !ok {
		return fmt.Errorf("it is gone")
	}
	if a.restartIO && now.IO && want.IO {
		off := now
		off.IO = false
		if err := a.settleChannel(ctx, a.dialect, now, off); err != nil {
			return err
		}
		now = off
	}
	if err := a.settleChannel(ctx, a.dialect, now, want); err != nil {
		return err
	}
	return a.awaitChannel(ctx, a.dialect, want)
}
