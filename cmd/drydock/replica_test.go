//go:build linux

package main

import (
	"database/sql"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// A real replica of a real source, with semi-synchronous replication on. Its threads, and what was set at run time alone,
// are as before after a run, although it does not start them by itself; threads that cannot go on from where they were
// make the run fail, with the reason, and the backup is stored all the same (R3.5, R9.4).
func TestReplica(t *testing.T) {
	t.Parallel()
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		source, replica := start(), start(testenv.With("skip-slave-start=ON"))
		follow(t, source, replica)
		source.Exec(t, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)", "INSERT INTO shop.t VALUES (1)")
		arrives(t, replica, 1)
		t.Run("as before", func(t *testing.T) {
			h := newSite(t, replica)
			h.run(t, exitDone)
			source.Exec(t, "INSERT INTO shop.t VALUES (2)")
			arrives(t, replica, 2)
			if got := replica.Value(t, "SELECT @@GLOBAL."+semiSync(replica)); got != "1" {
				t.Errorf("%s is %s after the run", semiSync(replica), got)
			}
			h.wantUp(t)
		})
		t.Run("the source has gone on without it", func(t *testing.T) {
			h := newSite(t, replica)
			h.writeJob(t, slowly(jobText{}))
			r := h.at(t, step("stop", "done"), func(pid int) {
				sendSignal(t, pid, syscall.SIGSTOP)
				defer sendSignal(t, pid, syscall.SIGCONT)
				forget(t, source)
			}).want(t, exitFailed)
			r.says(t, "confirm:", "put back what the restart lost", "replication",
				"receiving on and applying on, as before: now receiving off")
			h.wantUp(t)
			if list := h.backups(t); len(list) != 1 {
				t.Errorf("backups: %+v", list)
			}
		})
	})
}

func semiSync(s *testenv.Server) string {
	if s.Product == "mysql" {
		return "rpl_semi_sync_replica_enabled"
	}
	return "rpl_semi_sync_slave_enabled"
}

// follow makes one server the semi-synchronous replica of another one.
func follow(t *testing.T, source, replica *testenv.Server) {
	t.Helper()
	source.Exec(t, "CREATE USER 'repl'@'%' IDENTIFIED BY 'repl'", "GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%'")
	on := "SET GLOBAL " + semiSync(replica) + " = ON"
	if replica.Product == "mysql" {
		replica.Exec(t, "INSTALL PLUGIN rpl_semi_sync_replica SONAME 'semisync_replica.so'", on,
			fmt.Sprintf("CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=%d, SOURCE_USER='repl', "+
				"SOURCE_PASSWORD='repl', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1", source.Port),
			"START REPLICA")
		return
	}
	replica.Exec(t, on,
		fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='repl', MASTER_PASSWORD='repl', "+
			"MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1", source.Port),
		"START SLAVE")
}

func arrives(t *testing.T, replica *testenv.Server, id int) {
	t.Helper()
	testenv.Eventually(t, time.Minute, fmt.Sprintf("row %d on the replica", id), func() bool {
		there := "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'shop'"
		return replica.Value(t, there) == "1" && replica.Value(t, "SELECT MAX(id) FROM shop.t") == fmt.Sprint(id)
	})
}

// forget has the source write something, and drop every log but the last.
func forget(t *testing.T, source *testenv.Server) {
	t.Helper()
	db := source.DB(t)
	source.Exec(t, "INSERT INTO shop.t VALUES (3)", "FLUSH BINARY LOGS", "INSERT INTO shop.t VALUES (4)", "FLUSH BINARY LOGS")
	processes := "information_schema.processlist"
	if source.Product == "mysql" {
		processes = "performance_schema.processlist"
	}
	testenv.Eventually(t, 2*time.Minute, "the old logs are gone", func() bool {
		// the thread that sent logs to the replica holds one, and takes its time to find out that nobody listens
		sender := source.Value(t, "SELECT MAX(id) FROM "+processes+" WHERE command LIKE 'Binlog Dump%'")
		if sender != "" {
			_, _ = db.ExecContext(t.Context(), "KILL "+sender) // gone already is as good
		}
		logs := binaryLogs(t, db) // MariaDB keeps one until InnoDB has flushed what is in it, which it does every second
		source.Exec(t, "PURGE BINARY LOGS TO '"+logs[len(logs)-1]+"'")
		return len(binaryLogs(t, db)) == 1
	})
}

func binaryLogs(t *testing.T, db *sql.DB) (names []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SHOW BINARY LOGS")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]string, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		names = append(names, values[0])
	}
	if err := rows.Err(); err != nil || len(names) == 0 {
		t.Fatalf("binary logs: %v, %v", names, err)
	}
	return names
}
