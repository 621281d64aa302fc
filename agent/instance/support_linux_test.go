package instance_test

import (
	"log/slog"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/service"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// of puts an instance together as a run does, from the job of a real server.
func of(t *testing.T, s *testenv.Server, change ...func(*job.MySQL)) *instance.Instance {
	t.Helper()
	m := s.Job()
	for _, f := range change {
		f(&m)
	}
	sql, err := mysql.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sql.Close() })
	manager := manager(t, m, filepath.Join(t.TempDir(), "log"))
	return &instance.Instance{
		Server: sql, Service: manager, DataDir: m.DataDir, ErrorLog: s.LogFile,
		StopTimeout: m.StopTimeout, StartTimeout: m.StartTimeout, Log: slog.New(slog.DiscardHandler),
	}
}

func manager(t *testing.T, m job.MySQL, logs string) service.Manager {
	t.Helper()
	s, err := service.New(m.Service, service.Options{LogDir: logs, Name: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// shell is the argument vector of a shell script; $0 is arg.
func shell(script, arg string) []string { return []string{"/bin/sh", "-c", script, arg} }

// stopBy has a script stop the server.
func stopBy(script string, limit time.Duration) func(*job.MySQL) {
	return func(m *job.MySQL) { m.Service.Stop, m.StopTimeout = shell(script, "stop"), limit }
}

// startBy has a script start the server; "$@" is the server's own command.
func startBy(script string, limit time.Duration) func(*job.MySQL) {
	return func(m *job.MySQL) {
		m.Service.Start, m.StartTimeout = append(shell(script, "start"), m.Service.Start...), limit
	}
}

// within runs f and fails the test when it takes very much longer: that it is bounded counts, not how busy the machine is.
func within(t *testing.T, limit time.Duration, f func() error) error {
	t.Helper()
	const busy = 10
	began := time.Now()
	err := f()
	if took := time.Since(began); took > busy*limit {
		t.Errorf("took %s, want at most %s", took, limit)
	}
	return err
}

// wantOne fails the test unless exactly one server is on the data directory, and it answers.
func wantOne(t *testing.T, s *testenv.Server) {
	t.Helper()
	if got := s.Value(t, "SELECT 1"); got != "1" {
		t.Errorf("the server answers %q", got)
	}
	if pids := s.Processes(); len(pids) != 1 {
		t.Errorf("server processes: %v, want one", pids)
	}
}

// crowd watches how many servers are on a data directory at once.
type crowd struct {
	most int
	end  func()
}

func watch(s *testenv.Server) *crowd {
	c, stop := &crowd{}, make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c.most = max(c.most, len(s.Processes()))
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	c.end = sync.OnceFunc(func() {
		close(stop)
		wg.Wait()
	})
	return c
}

// never fails the test when more than one server was seen.
func (c *crowd) never(t *testing.T) {
	t.Helper()
	c.end()
	if c.most > 1 {
		t.Errorf("%d servers were on one data directory", c.most)
	}
}

func signal(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Errorf("signal %v to process %d: %v", sig, pid, err)
	}
}
