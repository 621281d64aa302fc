package mysql_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// keepOpen starts a process that keeps a file open until the test ends.
func keepOpen(t *testing.T, how, name string) int {
	t.Helper()
	cmd := exec.Command("sh", "-c", "exec 3"+how+`"$0"; echo; read -r _`, name)
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil {
		t.Fatal(errIn, errOut)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

// stop takes a server down the way a run does.
func stop(t *testing.T, s *testenv.Server, m *mysql.Server) {
	t.Helper()
	pid := s.PID()
	if err := m.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := mysql.WaitFree(ctx, s.DataDir, pid); err != nil {
		t.Fatal(err)
	}
	if s.Running() {
		t.Fatal("the server runs on")
	}
	if pid, err := mysql.Holder(s.DataDir); pid != 0 || err != nil {
		t.Errorf("holder of a free data directory: %d, %v", pid, err)
	}
}

func settings(t *testing.T, m *mysql.Server) mysql.Settings {
	t.Helper()
	set, err := m.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// R3.1, R3.5: what a restart loses is put back, whichever way the server's own configuration goes.
func TestSettings(t *testing.T) {
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		s := start(testenv.With("event_scheduler=OFF"))
		m := open(t, s.Job())
		plugins(t, s)
		s.Exec(t, "SET GLOBAL event_scheduler = ON", "SET GLOBAL read_only = ON", "SET GLOBAL "+semiSync(s, "enabled")+" = ON",
			"SET GLOBAL "+semiSync(s, "timeout")+" = 47", "SET GLOBAL "+semiSync(s, "wait_point")+" = "+otherPoint(s))
		if s.Product == "mysql" {
			s.Exec(t, "SET GLOBAL super_read_only = ON")
		}
		before := settings(t, m)
		stop(t, s, m)
		s.Start(t)
		if cmp.Equal(before, settings(t, m)) {
			t.Fatal("the restart lost nothing: the test proves nothing")
		}
		apply(t, m, before)

		// and the other way: my.cnf shuts writes out and starts events, but at run time it was different
		s.Exec(t, "SET GLOBAL read_only = OFF", "SET GLOBAL event_scheduler = OFF")
		before = settings(t, m)
		stop(t, s, m)
		lines := "event_scheduler=ON\nread_only=ON\n"
		if s.Product == "mysql" {
			lines += "super_read_only=ON\n"
		}
		appendTo(t, s.ConfigFile, lines)
		s.Start(t)
		apply(t, m, before)
		if f, err := m.Facts(t.Context()); err != nil || f.ReadOnly || f.SuperReadOnly {
			t.Errorf("read only: %v %v, %v", f.ReadOnly, f.SuperReadOnly, err)
		}
		t.Run("failures", func(t *testing.T) { applyFailures(t, s, before) })
	})
}

// apply puts settings back and sees that they are, and that doing it again changes nothing.
func apply(t *testing.T, m *mysql.Server, want mysql.Settings) {
	t.Helper()
	for range 2 {
		if err := m.Apply(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, settings(t, m), cmpopts.IgnoreUnexported(mysql.Channel{})); diff != "" {
			t.Error(diff)
		}
	}
}

// Every setting that does not come back is named; the others do come back.
func applyFailures(t *testing.T, s *testenv.Server, set mysql.Settings) {
	m := open(t, s.Job())
	set.Variables["rpl_semi_sync_gone"] = "ON"
	set.Variables["event_scheduler"] = "ON"
	set.Channels = append(set.Channels, mysql.Channel{Name: "lost", IO: true, SQL: true})
	err := m.Apply(t.Context(), set)
	if err == nil || !strings.Contains(err.Error(), "rpl_semi_sync_gone = ON") || !strings.Contains(err.Error(), `channel "lost"`) {
		t.Errorf("error: %v", err)
	}
	if got := s.Value(t, "SELECT @@GLOBAL.event_scheduler"); got != "ON" {
		t.Errorf("event_scheduler: %s", got)
	}
	set.Variables = map[string]string{"general_log": "ON", "x=1; --": "1"}
	if err := m.Apply(t.Context(), set); err != nil && strings.Contains(err.Error(), "general_log") {
		t.Error("a foreign variable was tried:", err)
	}
	if got := s.Value(t, "SELECT @@GLOBAL.general_log"); got != "0" {
		t.Errorf("general_log: %s", got)
	}
	s.Exec(t, "CREATE USER 'poor'@'%' IDENTIFIED BY 'pw'", "GRANT REPLICATION CLIENT ON *.* TO 'poor'@'%'")
	if s.Product == "mariadb" {
		s.Exec(t, "GRANT SLAVE MONITOR ON *.* TO 'poor'@'%'")
	}
	err = open(t, as(s, "poor", "pw")).Apply(t.Context(), mysql.Settings{Variables: map[string]string{"read_only": "ON"}})
	if err == nil || !strings.Contains(err.Error(), "read_only = ON") {
		t.Errorf("without the privilege: %v", err)
	}
}

// plugins loads semi-synchronous replication, which MariaDB has built in.
func plugins(t *testing.T, s *testenv.Server) {
	t.Helper()
	if s.Product == "mysql" {
		s.Exec(t, "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'",
			"INSTALL PLUGIN rpl_semi_sync_replica SONAME 'semisync_replica.so'")
	}
}

func semiSync(s *testenv.Server, what string) string {
	if s.Product == "mysql" {
		return "rpl_semi_sync_source_" + what
	}
	return "rpl_semi_sync_master_" + what
}

// otherPoint is a wait point that is not the default.
func otherPoint(s *testenv.Server) string {
	if s.Product == "mysql" {
		return "'AFTER_COMMIT'"
	}
	return "'AFTER_SYNC'"
}

func appendTo(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// What lies outside the data directory is found, and so are the keys.
func TestOutside(t *testing.T) {
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		away := testenv.Dir(t)
		for _, d := range []string{away, filepath.Join(away, "binlogs"), filepath.Join(away, "tables")} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := testenv.Chown(d); err != nil {
				t.Fatal(err)
			}
		}
		s := start(testenv.Keyring(), testenv.With("log-bin="+away+"/binlogs/b[1]n", "loose-innodb-directories="+away+"/tables"))
		s.Exec(t, "CREATE DATABASE shop", "CREATE TABLE shop.far (id INT PRIMARY KEY) DATA DIRECTORY='"+away+"/tables'",
			"INSERT INTO shop.far VALUES (1)")
		f, err := open(t, s.Job()).Facts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []string{away + "/binlogs/b[1]n.000001", away + "/binlogs/b[1]n.index", away + "/tables/shop/far.ibd"}
		if diff := cmp.Diff(want, f.OutsidePaths); diff != "" {
			t.Error("outside:", diff)
		}
		s.Exec(t, "FLUSH BINARY LOGS")
		if got := f.ExpandOutside(); !slices.Contains(got, away+"/binlogs/b[1]n.000002") {
			t.Errorf("after another binary log began: %v", got)
		}
		if diff := cmp.Diff([]string{s.KeyringFile()}, f.KeyringFiles); diff != "" || !f.EncryptionAtRest {
			t.Error("keyring:", f.EncryptionAtRest, diff)
		}
	})
}
