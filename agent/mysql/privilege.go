package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// need is a privilege that a run uses. Each of its alternatives is as good.
type need struct {
	anyOf []string // the first is the one to grant
	maria bool     // on MariaDB; else on MySQL
}

const (
	shutdownPrivilege = "SHUTDOWN"
	processPrivilege  = "PROCESS"
)

// needs lists what the package documentation recommends.
func needs() []need {
	return []need{
		{[]string{shutdownPrivilege}, false},
		{[]string{processPrivilege}, false},
		{[]string{"REPLICATION CLIENT", "SUPER"}, false},
		{[]string{"SYSTEM_VARIABLES_ADMIN", "SUPER"}, false},
		{[]string{"REPLICATION_SLAVE_ADMIN", "SUPER"}, false},
		{[]string{"CONNECTION_ADMIN", "SUPER"}, false},
		{[]string{shutdownPrivilege}, true},
		{[]string{processPrivilege}, true},
		{[]string{"BINLOG MONITOR", "REPLICATION CLIENT"}, true},
		{[]string{"SLAVE MONITOR", "REPLICA MONITOR"}, true},
		{[]string{"REPLICATION SLAVE ADMIN", "REPLICATION REPLICA ADMIN"}, true},
		{[]string{"REPLICATION MASTER ADMIN"}, true},
		{[]string{"READ_ONLY ADMIN", "READ ONLY ADMIN"}, true},
		{[]string{"SUPER"}, true},
	}
}

// privileges are the global privileges of the session, by name in capitals.
type privileges map[string]bool

func (p privileges) have(names ...string) bool {
	return p["ALL PRIVILEGES"] || p["ALL"] || slices.ContainsFunc(names, func(n string) bool { return p[n] })
}

// missing returns the privileges to grant.
func (p privileges) missing(d dialect) []string {
	var names []string
	for _, n := range needs() {
		if n.maria == d.maria && !p.have(n.anyOf...) {
			names = append(names, n.anyOf[0])
		}
	}
	return names
}

// privileges asks what the session may do, by its own grants and by those of its active role or roles.
func (c *session) privileges(ctx context.Context, d dialect) (privileges, error) {
	all := privileges{}
	if err := c.addGrants(ctx, "SHOW GRANTS FOR CURRENT_USER()", all); err != nil {
		return nil, err
	}
	var role sql.NullString
	if err := c.QueryRowContext(ctx, "SELECT CURRENT_ROLE()").Scan(&role); err != nil || role.String == "" || role.String == "NONE" {
		return all, nil // no role is active, or the server is older than roles
	}
	query := "SHOW GRANTS FOR CURRENT_USER() USING " + role.String // MySQL quotes the names itself
	if d.maria {
		query = "SHOW GRANTS FOR CURRENT_ROLE()"
	}
	return all, c.addGrants(ctx, query, all)
}

func (c *session) addGrants(ctx context.Context, query string, all privileges) error {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var grant string
		if err := rows.Scan(&grant); err != nil {
			return err
		}
		for _, name := range parseGrant(grant) {
			all[name] = true
		}
	}
	return rows.Err()
}

// parseGrant returns the privileges of a line of SHOW GRANTS that holds for the whole server:
//
//	GRANT SHUTDOWN, PROCESS ON *.* TO `drydock`@`%`
//
// A grant on a schema or a table, of a role or of PROXY gives none.
func parseGrant(line string) []string {
	list, ok := strings.CutPrefix(line, "GRANT ")
	if !ok {
		return nil
	}
	list, _, ok = strings.Cut(list, " ON *.* TO ")
	if !ok || strings.ContainsAny(list, "`'") {
		return nil
	}
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.ToUpper(strings.TrimSpace(name)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// account is the account that a GRANT statement names, 'user'@'host'; the login that asked when it cannot be told.
func account(ctx context.Context, c *session) string {
	var current string
	if err := c.QueryRowContext(ctx, "SELECT CURRENT_USER()").Scan(&current); err != nil {
		return "this user"
	}
	at := strings.LastIndexByte(current, '@')
	if at < 0 {
		return quote(current)
	}
	return quote(current[:at]) + "@" + quote(current[at+1:])
}

// grantHint is the statement that grants what is missing; "" when nothing is.
func grantHint(missing []string, account string) string {
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("GRANT %s ON *.* TO %s;", strings.Join(missing, ", "), account)
}
