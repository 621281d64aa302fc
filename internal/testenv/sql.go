package testenv

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// open returns a pool of connections as root over the socket. The caller closes it.
func (s *Server) open(t testing.TB) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr = "root", install.RootPassword, "unix", s.Socket
	c.Timeout, c.ReadTimeout, c.WriteTimeout = 5*time.Second, patience, patience
	c.Logger = &mysql.NopLogger{}
	conn, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(conn)
	db.SetMaxIdleConns(1)
	return db
}

// DB connects as root, with every right. It is closed when the test ends.
func (s *Server) DB(t testing.TB) *sql.DB {
	t.Helper()
	db := s.open(t)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Exec runs statements as root, in one session.
func (s *Server) Exec(t testing.TB, statements ...string) {
	t.Helper()
	db := s.open(t)
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, q := range statements {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", shorten(q), err)
		}
	}
}

// Value runs a query as root and returns its first column of its first row as text; NULL is "".
func (s *Server) Value(t testing.TB, query string) string {
	t.Helper()
	db := s.open(t)
	defer func() { _ = db.Close() }()
	var v sql.NullString
	if err := db.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", shorten(query), err)
	}
	return v.String
}

// Checksums returns CHECKSUM TABLE of every table in every schema of the user's, by "schema.table".
func (s *Server) Checksums(t testing.TB) map[string]uint64 {
	t.Helper()
	db := s.open(t)
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), `SELECT table_schema, table_name FROM information_schema.tables
		WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	var tables [][2]string
	for rows.Next() {
		var n [2]string
		if err := rows.Scan(&n[0], &n[1]); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	sums := map[string]uint64{}
	for _, n := range tables {
		var name string
		var sum sql.NullInt64
		q := fmt.Sprintf("CHECKSUM TABLE `%s`.`%s`", n[0], n[1])
		if err := db.QueryRowContext(t.Context(), q).Scan(&name, &sum); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		if !sum.Valid {
			t.Fatalf("%s: no checksum", q)
		}
		sums[n[0]+"."+n[1]] = uint64(sum.Int64)
	}
	return sums
}

func shorten(q string) string {
	if len(q) > 120 {
		return q[:117] + "..."
	}
	return q
}
