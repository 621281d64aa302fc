package drill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/drydock-backup/drydock/agent/job"
)

// Damage is a table that is not whole, or a query that does not give what it should.
type Damage struct{ Path, Reason string }

// tables lists every table that has files, as schema and name: the system's own as well.
func (r *running) tables(ctx context.Context) (all [][2]string, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT table_schema, table_name FROM information_schema.tables
		WHERE table_type = 'BASE TABLE' AND LOWER(table_schema) NOT IN ('information_schema', 'performance_schema')
		ORDER BY table_schema, table_name`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var t [2]string
		if err := rows.Scan(&t[0], &t[1]); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// answer takes what the server itself says about a statement as what is wrong; other errors are of the way to it.
func answer(err error) (wrong string, failed error) {
	var says *driver.MySQLError
	if errors.As(err, &says) {
		return says.Error(), nil
	}
	return "", err
}

// check has the server check a table, and returns what is wrong with it; "" when nothing is.
func (r *running) check(ctx context.Context, t [2]string) (reason string, err error) {
	rows, err := r.db.QueryContext(ctx, "CHECK TABLE "+quoted(t[0])+"."+quoted(t[1]))
	if err != nil {
		return answer(err)
	}
	defer func() { _ = rows.Close() }()
	var wrong []string
	var status string
	for rows.Next() {
		var table, op, kind, text sql.NullString
		if err := rows.Scan(&table, &op, &kind, &text); err != nil {
			return "", err
		}
		switch strings.ToLower(kind.String) {
		case "error", "warning":
			wrong = append(wrong, text.String)
		case "status":
			status = text.String
		}
	}
	if err := rows.Err(); err != nil {
		return answer(err)
	}
	// An engine that cannot check says so in a note, without a status.
	if status == "" && len(wrong) == 0 || slices.Contains([]string{"OK", "Table is already up to date"}, status) {
		return "", nil // a warning beside that is no damage: a table of MyISAM that was not closed, say
	}
	if len(wrong) == 0 {
		wrong = []string{"CHECK TABLE says " + status}
	}
	return strings.Join(wrong, "; "), nil
}

func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// ask runs a query that has one row of one column, and returns what is wrong with it; "" when it is what was expected. NULL
// is "NULL".
func (r *running) ask(ctx context.Context, q job.Query) (wrong string, err error) {
	rows, err := r.db.QueryContext(ctx, q.SQL)
	if err != nil {
		return answer(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return answer(err)
	}
	if len(columns) != 1 {
		return fmt.Sprintf("it gives %d columns instead of one", len(columns)), nil
	}
	var got sql.NullString
	count := 0
	for ; rows.Next() && count < 2; count++ {
		if err := rows.Scan(&got); err != nil {
			return "", err
		}
	}
	if err := rows.Err(); err != nil {
		return answer(err)
	}
	if !got.Valid {
		got.String = "NULL"
	}
	switch {
	case count != 1:
		return "it does not give one row", nil
	case got.String != q.Expect:
		return fmt.Sprintf("it gives %.200q instead of %.200q", got.String, q.Expect), nil
	}
	return "", nil
}
