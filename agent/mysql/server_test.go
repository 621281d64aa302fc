package mysql_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/errs"
)

func open(t *testing.T, m job.MySQL) *mysql.Server {
	t.Helper()
	s, err := mysql.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// as is the job of another user of the same server.
func as(s *testenv.Server, user, password string) job.MySQL {
	m := s.Job()
	m.User, m.Password = user, job.Secret(password)
	return m
}

// One server per product answers everything that needs no restart (R2.1).
func TestAsk(t *testing.T) {
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		s := start()
		s.Exec(t, "CREATE USER 'nobody'@'%' IDENTIFIED BY 'pw'")
		t.Run("facts", func(t *testing.T) { facts(t, s) })
		t.Run("socket", func(t *testing.T) { socket(t, s) })
		t.Run("wrong password", func(t *testing.T) { wrongPassword(t, s) })
		t.Run("no privilege", func(t *testing.T) { noPrivilege(t, s) })
		t.Run("privilege by role", func(t *testing.T) { byRole(t, s) })
		t.Run("holder", func(t *testing.T) { holder(t, s) })
		t.Run("no answer", func(t *testing.T) { noAnswer(t, s) })
	})
}

func facts(t *testing.T, s *testenv.Server) {
	f, err := open(t, s.Job()).Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	want := map[string][2]any{
		"product":   {strings.ToLower(f.Product), s.Product},
		"version":   {f.Version, s.Value(t, "SELECT VERSION()")},
		"host":      {f.Hostname, host},
		"port":      {f.Port, s.Port},
		"server id": {int(f.ServerID), s.Port},
		"data dir":  {f.DataDir, s.DataDir},
		"pid file":  {f.PIDFile, s.PIDFile},
		"socket":    {f.Socket, s.Socket},
		"log":       {f.LogError, s.LogFile},
		"page size": {f.PageSize, 16384},
		"shutdown":  {f.FastShutdown, 1},
		"replicas":  {f.ReplicasAttached, 0},
		"replica":   {f.ReplicaRunning, false},
		"read only": {f.ReadOnly || f.SuperReadOnly, false},
		"crypt":     {f.EncryptionAtRest, false},
		"outside":   {len(f.OutsidePaths), 0},
		"may stop":  {f.ShutdownPrivilege, true},
		"missing":   {strings.Join(f.Missing, ","), ""},
		"gaps":      {strings.Join(f.Incomplete, ","), ""},
	}
	for name, w := range want {
		if w[0] != w[1] {
			t.Errorf("%s: %v, want %v", name, w[0], w[1])
		}
	}
	if !strings.HasPrefix(f.BinlogFile, "binlog.0") || f.BinlogPosition == 0 || f.GTIDSet == "" {
		t.Errorf("binary log: %q %d %q", f.BinlogFile, f.BinlogPosition, f.GTIDSet)
	}
	if f.DataBytes < 20<<20 || f.DataBytes > 1<<30 {
		t.Errorf("data bytes: %d", f.DataBytes)
	}
	if (f.ServerUUID != "") != (f.Product == mysql.ProductMySQL) {
		t.Errorf("uuid: %q", f.ServerUUID)
	}
	if b, err := json.Marshal(f); err != nil || strings.Contains(string(b), s.Password) {
		t.Errorf("json: %s %v", b, err)
	}
}

func socket(t *testing.T, s *testenv.Server) {
	m := s.Job()
	m.Host, m.Port, m.Socket = "", 0, s.Socket
	if err := open(t, m).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	m.Socket += ".gone"
	if err := open(t, m).Ping(t.Context()); !errs.Is(err, errs.Transient) || !strings.Contains(err.Error(), m.Socket) {
		t.Errorf("no socket: %v", err)
	}
}

// R9.5: nothing waits for ever for a server that is not there, or that took the connection and says nothing.
func noAnswer(t *testing.T, s *testenv.Server) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := s.Job()
	m.Port = l.Addr().(*net.TCPAddr).Port
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	err = open(t, m).Ping(ctx)
	if !errs.Is(err, errs.Transient) || time.Since(began) > 30*time.Second {
		t.Errorf("silent server: after %s: %v", time.Since(began), err)
	}
	_ = l.Close()
	err = open(t, m).Ping(t.Context())
	if !errs.Is(err, errs.Transient) || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("no server: %v", err)
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if err := open(t, m).Ping(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func wrongPassword(t *testing.T, s *testenv.Server) {
	const wrong = "not-the-password"
	m := open(t, as(s, s.User, wrong))
	_, errFacts := m.Facts(t.Context())
	for what, err := range map[string]error{"ping": m.Ping(t.Context()), "facts": errFacts, "shutdown": m.Shutdown(t.Context())} {
		if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), "'"+s.User+"'@'") || strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !s.Running() {
		t.Error("the server is gone")
	}
}

func noPrivilege(t *testing.T, s *testenv.Server) {
	m := open(t, as(s, "nobody", "pw"))
	f, err := m.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f.ShutdownPrivilege || f.ReplicasAttached != -1 || len(f.Incomplete) == 0 || f.Version == "" {
		t.Errorf("facts: %+v", f)
	}
	if !strings.HasPrefix(f.GrantHint, "GRANT SHUTDOWN, PROCESS,") || !strings.HasSuffix(f.GrantHint, " ON *.* TO 'nobody'@'%';") {
		t.Errorf("hint: %s", f.GrantHint)
	}
	err = m.Shutdown(t.Context())
	if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), "GRANT SHUTDOWN ON *.* TO 'nobody'@'%'") {
		t.Errorf("shutdown: %v", err)
	}
	s.Exec(t, strings.TrimSuffix(f.GrantHint, ";"))
	if f, err = m.Facts(t.Context()); err != nil || len(f.Missing)+len(f.Incomplete) > 0 || !f.ShutdownPrivilege {
		t.Errorf("with what the hint grants: %v %+v", err, f)
	}
}

func byRole(t *testing.T, s *testenv.Server) {
	statements := []string{"CREATE ROLE operator", "GRANT SHUTDOWN ON *.* TO operator",
		"CREATE USER 'via'@'%' IDENTIFIED BY 'pw'", "GRANT operator TO 'via'@'%'"}
	last := "SET DEFAULT ROLE operator TO 'via'@'%'"
	if s.Product == "mariadb" {
		last = "SET DEFAULT ROLE operator FOR 'via'@'%'"
	}
	s.Exec(t, append(statements, last)...)
	f, err := open(t, as(s, "via", "pw")).Facts(t.Context())
	if err != nil || !f.ShutdownPrivilege {
		t.Errorf("shutdown privilege through a role: %v, %v", f.ShutdownPrivilege, err)
	}
}

func holder(t *testing.T, s *testenv.Server) {
	if pid, err := mysql.Holder(s.DataDir); err != nil || pid != s.PID() || pid == 0 {
		t.Errorf("running: %d, %v; want %d", pid, err, s.PID())
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(s.DataDir, link); err != nil {
		t.Fatal(err)
	}
	if pid, err := mysql.Holder(link); err != nil || pid != s.PID() {
		t.Errorf("through a symbolic link: %d, %v", pid, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := mysql.WaitFree(ctx, s.DataDir, s.PID())
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), fmt.Sprint(s.PID())) {
		t.Errorf("wait for a running server: %v", err)
	}
	if pid, err := mysql.Holder(t.TempDir()); pid != 0 || err != nil {
		t.Errorf("empty directory: %d, %v", pid, err)
	}
	if _, err := mysql.Holder(filepath.Join(t.TempDir(), "gone")); !errs.Is(err, errs.NotFound) {
		t.Errorf("missing directory: %v", err)
	}
}

// Without the locks, a writer is found by its open files; a reader does not count.
func TestHolderOpenFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "t.ibd")
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader := keepOpen(t, "<", name)
	if pid, err := mysql.Holder(dir); pid != 0 || err != nil {
		t.Errorf("reader %d: %d, %v", reader, pid, err)
	}
	writer := keepOpen(t, ">>", name)
	if pid, err := mysql.Holder(dir); pid != writer || err != nil {
		t.Errorf("writer %d: %d, %v", writer, pid, err)
	}
}
