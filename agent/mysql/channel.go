package mysql

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Channel is one replication channel (MySQL) or connection (MariaDB) of a replica. A thread counts as running when it
// is on, even while it waits for a source that cannot be reached: that state outlives a restart as it is.
type Channel struct {
	Name      string `json:"name"`      // "" is the default channel
	IO        bool   `json:"io"`        // the thread that receives is on
	SQL       bool   `json:"sql"`       // the thread that applies is on
	Connected bool   `json:"connected"` // the thread that receives has reached its source

	source string // "host:port"
	failed string // what stopped a thread
}

func (c Channel) label() string {
	if c.Name == "" {
		return "replication"
	}
	return fmt.Sprintf("replication channel %q", c.Name)
}

// either returns the first of the columns that the row has.
func either(row map[string]string, names ...string) string {
	for _, n := range names {
		if v, ok := row[n]; ok {
			return v
		}
	}
	return ""
}

// channels lists the replication channels. Those of group replication manage themselves and are left out.
func (c *session) channels(ctx context.Context, d dialect) ([]Channel, error) {
	rows, err := c.rows(ctx, d.replicaStatus())
	if err != nil {
		return nil, err
	}
	var all []Channel
	for _, row := range rows {
		io := either(row, "Replica_IO_Running", "Slave_IO_Running") // Yes, No, Connecting, Preparing
		ch := Channel{
			Name: either(row, "Channel_Name", "Connection_name"),
			IO:   io != "No",
			SQL:  either(row, "Replica_SQL_Running", "Slave_SQL_Running") != "No",

			Connected: io == "Yes",
		}
		if strings.HasPrefix(ch.Name, "group_replication_") {
			continue
		}
		ch.source = either(row, "Source_Host", "Master_Host") + ":" + either(row, "Source_Port", "Master_Port")
		ch.failed = strings.TrimSpace(row["Last_IO_Error"] + " " + row["Last_SQL_Error"])
		all = append(all, ch)
	}
	return all, nil
}

// quote writes a string literal whatever sql_mode says: hexadecimal would not do in FOR CHANNEL.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\x00", "").Replace(s) + "'"
}

// statement is "START REPLICA IO_THREAD FOR CHANNEL 'x'" or, for MariaDB, "START SLAVE 'x' IO_THREAD". MySQL means all
// channels when none is named, so the default channel is named too.
func (d dialect) statement(verb, channel, thread string) string {
	switch {
	case d.maria && channel == "":
		return fmt.Sprintf("%s SLAVE %s", verb, thread)
	case d.maria:
		return fmt.Sprintf("%s SLAVE %s %s", verb, quote(channel), thread)
	}
	return fmt.Sprintf("%s %s %s FOR CHANNEL %s", verb, d.replica(), thread, quote(channel))
}

// settleChannel makes a channel's threads run, or not, as they should.
func (c *session) settleChannel(ctx context.Context, d dialect, now, want Channel) error {
	threads := []struct {
		name      string
		now, want bool
	}{{"IO_THREAD", now.IO, want.IO}, {"SQL_THREAD", now.SQL, want.SQL}}
	for _, t := range threads {
		if t.now == t.want {
			continue
		}
		verb := "STOP"
		if t.want {
			verb = "START"
		}
		if _, err := c.ExecContext(ctx, d.statement(verb, want.Name, t.name)); err != nil {
			return err
		}
	}
	return nil
}

const (
	// threadLimit bounds how long a replication thread may take to be as it was, and to reach its source.
	threadLimit = 30 * time.Second
	// steady is how long it must stay so until that counts: a thread whose place at the source is gone starts, asks, and
	// only then stops.
	steady = 2 * time.Second
)

// awaitChannel waits until a channel is as it should be, and stays so for a moment. A thread that is off and should be
// on does not come back by itself: it is waited for as long, and no longer.
func (c *session) awaitChannel(ctx context.Context, d dialect, want Channel) error {
	var good, off time.Time // since when it is as it should be, or a thread is off
	for deadline := time.Now().Add(threadLimit); ; {
		all, err := c.channels(ctx, d)
		if err != nil {
			return err
		}
		now, ok := find(all, want.Name)
		good, off = since(good, ok && now.as(want)), since(off, want.IO && !now.IO || want.SQL && !now.SQL)
		switch {
		case lasts(good) || !good.IsZero() && !want.IO && !want.SQL:
			return nil
		case lasts(off), good.IsZero() && time.Now().After(deadline):
			return fmt.Errorf("%s, as before: now %s %s", want.state(), now.state(), now.failed)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// since is when something began to hold; the zero time while it does not.
func since(began time.Time, holds bool) time.Time {
	switch {
	case !holds:
		return time.Time{}
	case began.IsZero():
		return time.Now()
	}
	return began
}

func lasts(began time.Time) bool { return !began.IsZero() && time.Since(began) >= steady }

// as reports whether a channel does what another one did.
func (c Channel) as(want Channel) bool {
	return c.IO == want.IO && c.SQL == want.SQL && (c.Connected || !want.Connected)
}

func (c Channel) state() string {
	text := "receiving " + onOff(c.IO) + " and applying " + onOff(c.SQL)
	if c.IO && !c.Connected {
		text += ", without its source"
	}
	return text
}

func find(all []Channel, name string) (Channel, bool) {
	for _, ch := range all {
		if ch.Name == name {
			return ch, true
		}
	}
	return Channel{}, false
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}
