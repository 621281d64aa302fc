package mysql

import (
	"context"
	"database/sql"
	"net"
	"strconv"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/errs"
)

const (
	dialTimeout = 5 * time.Second
	// callTimeout bounds every single answer of the server, whatever the caller's context says.
	callTimeout = 30 * time.Second
)

// Server is the SQL side of one server. It is safe for concurrent use. No connection outlives a call: after a restart
// nothing is stale, and no idle session holds up a shutdown.
type Server struct {
	db   *sql.DB
	user string
	addr string // for messages: "127.0.0.1:3306" or the socket's path
}

// Open prepares connections to the server of a job; nothing is connected yet. TLS is used over TCP where the server
// offers it.
func Open(m job.MySQL) (*Server, error) {
	c := driver.NewConfig()
	c.User, c.Passwd = m.User, m.Password.Reveal()
	if m.Socket != "" {
		c.Net, c.Addr = "unix", m.Socket
	} else {
		c.Net, c.Addr, c.TLSConfig = "tcp", net.JoinHostPort(m.Host, strconv.Itoa(m.Port)), "preferred"
	}
	c.Timeout, c.ReadTimeout, c.WriteTimeout = dialTimeout, callTimeout, callTimeout
	c.InterpolateParams = true
	c.Logger = &driver.NopLogger{} // the driver would write to the agent's standard error
	connector, err := driver.NewConnector(c)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "configure connection to %s", c.Addr)
	}
	s := &Server{db: sql.OpenDB(connector), user: m.User, addr: c.Addr}
	s.db.SetMaxIdleConns(-1) // keep none
	return s, nil
}

// Close ends the use of the server.
func (s *Server) Close() error { return s.db.Close() }

// Ping logs in anew and has the server answer a query.
func (s *Server) Ping(ctx context.Context) error {
	return s.session(ctx, "ping", func(ctx context.Context, c *session) error {
		var one int
		return c.QueryRowContext(ctx, "SELECT 1").Scan(&one)
	})
}

// session is one connection: what is set on it holds for the whole call.
type session struct{ *sql.Conn }

// session connects, calls f and disconnects. Errors are classified and say op.
func (s *Server) session(ctx context.Context, op string, f func(context.Context, *session) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.classify(ctx, err, op)
	}
	defer func() { _ = conn.Close() }()
	return s.classify(ctx, f(ctx, &session{conn}), op)
}

// rows runs a query and returns each row by column name. NULL is "".
func (c *session) rows(ctx context.Context, query string) ([]map[string]string, error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var all []map[string]string
	values, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := make(map[string]string, len(names))
		for i, name := range names {
			row[name] = values[i].String
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// pairs runs a query of two columns and returns the second by the first, as SHOW VARIABLES gives them.
func (c *session) pairs(ctx context.Context, query string) (map[string]string, error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	all := map[string]string{}
	for rows.Next() {
		var name, value sql.NullString
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		all[name.String] = value.String
	}
	return all, rows.Err()
}
