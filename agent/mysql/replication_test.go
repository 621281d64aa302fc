package mysql_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// A real source with a real replica that has two channels: one runs; of the other only the receiving thread does, and
// its source cannot be reached. A restart starts both threads of both, or none with skip_slave_start; Apply makes them
// what they were.
func TestReplication(t *testing.T) {
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		source, replica := start(), start()
		plugins(t, source)
		plugins(t, replica)
		source.Exec(t, "CREATE USER 'repl'@'%' IDENTIFIED BY 'repl'", "GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%'")
		for _, q := range connect(source, replica) {
			replica.Exec(t, q)
		}
		source.Exec(t, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)", "INSERT INTO shop.t VALUES (1)")
		arrives(t, replica, "1")

		m := open(t, replica.Job())
		f, err := m.Facts(t.Context())
		if err != nil || !f.ReplicaRunning {
			t.Errorf("replica running: %v, %v", f.ReplicaRunning, err)
		}
		f, err = open(t, source.Job()).Facts(t.Context())
		if err != nil || f.ReplicasAttached == 0 || f.ReplicaRunning {
			t.Errorf("replicas attached: %d, %v", f.ReplicasAttached, err)
		}
		before := settings(t, m)
		want := []mysql.Channel{{Name: "", IO: true, SQL: true, Connected: true}, {Name: "se'cond", IO: true}}
		if diff := cmp.Diff(want, before.Channels, cmpopts.IgnoreUnexported(mysql.Channel{})); diff != "" {
			t.Fatal(diff)
		}
		stop(t, replica, m)
		replica.Start(t)
		apply(t, m, before)

		stop(t, replica, m)
		appendTo(t, replica.ConfigFile, "skip-slave-start=ON\n")
		replica.Start(t)
		apply(t, m, before)
		source.Exec(t, "INSERT INTO shop.t VALUES (2)")
		arrives(t, replica, "2")
	})
}

// connect makes the replica follow the source through the default channel, and nobody through one more, with
// semi-synchronous replication on at run time alone.
func connect(source, replica *testenv.Server) []string {
	if replica.Product == "mysql" {
		to := fmt.Sprintf("CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=%d, SOURCE_USER='repl', "+
			"SOURCE_PASSWORD='repl', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1", source.Port)
		nobody := strings.Replace(to, fmt.Sprint(source.Port), "1", 1)
		return []string{"SET GLOBAL rpl_semi_sync_replica_enabled = ON", to, nobody + " FOR CHANNEL 'se''cond'",
			"START REPLICA FOR CHANNEL ''", "START REPLICA IO_THREAD FOR CHANNEL 'se''cond'"}
	}
	to := fmt.Sprintf("TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='repl', MASTER_PASSWORD='repl', "+
		"MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1", source.Port)
	nobody := strings.Replace(to, fmt.Sprint(source.Port), "1", 1)
	return []string{"SET GLOBAL rpl_semi_sync_slave_enabled = ON", "CHANGE MASTER " + to, "CHANGE MASTER 'se''cond' " + nobody,
		"START SLAVE", "START SLAVE 'se''cond' IO_THREAD"}
}

func arrives(t *testing.T, replica *testenv.Server, want string) {
	t.Helper()
	there := "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'shop'"
	testenv.Eventually(t, 20*time.Second, "row "+want+" on the replica", func() bool {
		return replica.Value(t, there) == "1" && replica.Value(t, "SELECT MAX(id) FROM shop.t") == want
	})
}
