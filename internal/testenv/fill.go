package testenv

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// FillOptions says how much Fill writes. The zero value is a small database of every kind of object.
type FillOptions struct {
	Schema string // default "shop"
	Rows   int    // customers, at most 1000; default 500
	BigMB  int    // size of the data of table big, in MB; 0 leaves the table out
}

// Fill writes a deterministic database: tables with rows and foreign keys, BLOBs, FULLTEXT, partitions, a table of
// another engine, an odd table name, a view, triggers, routines, an event, and on demand one large table.
func (s *Server) Fill(t testing.TB, o FillOptions) {
	t.Helper()
	if o.Schema == "" {
		o.Schema = "shop"
	}
	if o.Rows == 0 {
		o.Rows = 500
	}
	db := s.open(t)
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := fill(t.Context(), conn, o); err != nil {
		t.Fatalf("fill %s: %v", o.Schema, err)
	}
	if o.BigMB > 0 {
		if err := s.fillBig(t.Context(), conn, o.BigMB); err != nil {
			t.Fatalf("fill %s.big: %v", o.Schema, err)
		}
	}
}

func fill(ctx context.Context, conn *sql.Conn, o FillOptions) error {
	series := fmt.Sprintf("SELECT a.n*100 + b.n*10 + c.n + 1 AS n FROM numbers a, numbers b, numbers c "+
		"WHERE a.n*100 + b.n*10 + c.n < %d", o.Rows)
	statements := []string{
		"CREATE DATABASE `" + o.Schema + "` CHARACTER SET utf8mb4",
		"USE `" + o.Schema + "`",
		"CREATE TABLE numbers (n INT PRIMARY KEY)",
		"INSERT INTO numbers VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)",
		"CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(80) NOT NULL, email VARCHAR(120) UNIQUE, born DATE, notes TEXT)",
		"CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer INT NOT NULL, cents BIGINT, placed DATETIME, " +
			"KEY (customer), FOREIGN KEY (customer) REFERENCES customers (id))",
		"CREATE TABLE audit (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(40), ref INT)",
		"CREATE TRIGGER orders_audit AFTER INSERT ON orders FOR EACH ROW INSERT INTO audit (what, ref) VALUES ('order', NEW.customer)",
		"INSERT INTO customers SELECT n, CONCAT('customer ', n, ' – Größe ', n % 7), CONCAT('c', n, '@example.com'), " +
			"DATE_ADD('1960-01-01', INTERVAL n*13 DAY), REPEAT(SHA2(n, 256), n % 5) FROM (" + series + ") s",
		"INSERT INTO orders (customer, cents, placed) SELECT id, id*37 % 9973, DATE_ADD('2024-01-01', INTERVAL id*7 HOUR) " +
			"FROM customers ORDER BY id",
		"CREATE TABLE documents (id INT PRIMARY KEY, body LONGBLOB, title TEXT, FULLTEXT KEY words (title)) ENGINE=InnoDB",
		"INSERT INTO documents SELECT n+1, REPEAT(UNHEX(SHA2(n, 512)), 1000*(n+1)), " +
			"CONCAT('the document about subject ', n) FROM numbers",
		"CREATE TABLE events_log (id INT, at DATE, what VARCHAR(20), PRIMARY KEY (id, at)) " +
			"PARTITION BY RANGE (YEAR(at)) (PARTITION p2023 VALUES LESS THAN (2024), " +
			"PARTITION p2024 VALUES LESS THAN (2025), PARTITION later VALUES LESS THAN MAXVALUE)",
		"INSERT INTO events_log SELECT id, DATE_ADD('2023-06-01', INTERVAL id*2 DAY), 'seen' FROM customers",
		"CREATE TABLE `größe & maß.1` (k VARCHAR(20) PRIMARY KEY, v JSON)",
		"INSERT INTO `größe & maß.1` SELECT CONCAT('key', n), JSON_OBJECT('n', n, 'list', JSON_ARRAY(n, n+1)) FROM numbers",
		"CREATE TABLE legacy (id INT PRIMARY KEY, v VARCHAR(60)) ENGINE=MyISAM",
		"INSERT INTO legacy SELECT id, name FROM customers",
		"CREATE VIEW turnover AS SELECT c.id, c.name, SUM(o.cents) AS cents FROM customers c " +
			"JOIN orders o ON o.customer = c.id GROUP BY c.id, c.name",
		"CREATE FUNCTION vat(cents BIGINT) RETURNS BIGINT DETERMINISTIC NO SQL RETURN cents * 19 DIV 100",
		"CREATE PROCEDURE place_order(IN c INT, IN amount BIGINT) " +
			"INSERT INTO orders (customer, cents, placed) VALUES (c, amount, '2025-01-01')",
		"CREATE EVENT tidy ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00' DO DELETE FROM audit WHERE id < 0",
		"CALL place_order(1, 4200)",
	}
	return execAll(ctx, conn, statements)
}

// Shape of table big: rows of 4000 bytes, of which 256 are as good as random.
const (
	bigRow  = 4000
	bigSeed = 64
)

// worthRedo is the size in MB from which enlarging the redo log for the while saves more time than it takes.
const worthRedo = 64

// fillBig doubles a table until it has the size. What it writes stays out of the binary log, and for a really big table
// the redo log is large for the while, so that the disk sees the rows about twice and not four times.
func (s *Server) fillBig(ctx context.Context, conn *sql.Conn, mb int) error {
	redo := map[string]string{install.MySQL: "innodb_redo_log_capacity", install.MariaDB: "innodb_log_file_size"}[s.Product]
	payload := func(id string) string {
		return fmt.Sprintf("CONCAT(UNHEX(SHA2(%[1]s, 512)), UNHEX(SHA2(%[1]s+1000000000, 512)), UNHEX(SHA2(%[1]s+2000000000, 512)), "+
			"UNHEX(SHA2(%[1]s+3000000000, 512)), SUBSTRING(REPEAT(SHA2(%[1]s %% 64, 512), 30), 1, %[2]d))", id, bigRow-256)
	}
	setup, teardown := []string{"SET SESSION sql_log_bin = 0"}, []string{"SET SESSION sql_log_bin = 1"}
	if mb >= worthRedo {
		setup = append(setup, "SET GLOBAL "+redo+" = 256*1024*1024")
		teardown = append(teardown, "SET GLOBAL "+redo+" = 8*1024*1024")
	}
	setup = append(setup,
		"CREATE TABLE big (id BIGINT PRIMARY KEY, payload BLOB) ENGINE=InnoDB",
		"INSERT INTO big SELECT a.n*10 + b.n + 1, "+payload("(a.n*10 + b.n + 1)")+" FROM numbers a, numbers b WHERE a.n*10 + b.n < 64")
	if err := execAll(ctx, conn, setup); err != nil {
		return err
	}
	want := mb * 1_000_000 / bigRow
	for have := bigSeed; have < want; have *= 2 {
		step := min(have, want-have)
		q := fmt.Sprintf("INSERT INTO big SELECT id+%d, %s FROM big WHERE id <= %d", have, payload(fmt.Sprintf("(id+%d)", have)), step)
		if err := execAll(ctx, conn, []string{q}); err != nil {
			return err
		}
	}
	return execAll(ctx, conn, teardown)
}

func execAll(ctx context.Context, conn *sql.Conn, statements []string) error {
	for _, q := range statements {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", shorten(q), err)
		}
	}
	return nil
}
