package service_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/service"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// command is a Manager of service "exec" with a log directory of its own.
func command(t *testing.T, start, stop []string) (m service.Manager, log string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "logs")
	m, err := service.New(job.Service{Kind: job.ServiceExec, Start: start, Stop: stop}, service.Options{LogDir: dir, Name: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	return m, filepath.Join(dir, "orders.start.log")
}

func shell(script string) []string { return []string{"/bin/sh", "-c", script} }

// A server in the foreground, and one whose start command returns (R3.4, R9.4).
func TestStart(t *testing.T) {
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		s := start(testenv.Down())
		quoted := "'" + strings.Join(s.StartCommand(), "' '") + "'"
		for name, argv := range map[string][]string{"foreground": s.StartCommand(), "daemon": shell("setsid " + quoted + " &")} {
			t.Run(name, func(t *testing.T) { startStop(t, s, name, argv) })
		}
	})
}

func startStop(t *testing.T, s *testenv.Server, name string, argv []string) {
	m, log := command(t, argv, nil)
	if err := m.(service.Checker).Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	db, err := mysql.Open(s.Job())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	testenv.Eventually(t, 30*time.Second, "the server answers", func() bool { return db.Ping(t.Context()) == nil })
	if running, err := m.Running(t.Context()); running != (name == "foreground") || err != nil {
		t.Errorf("start command runs: %v, %v", running, err)
	}
	if info, err := os.Stat(log); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("log: %v, %v", info, err)
	}
	if handled, err := m.Stop(t.Context()); handled || err != nil {
		t.Errorf("stop without a command: %v, %v", handled, err)
	}
	pid := s.PID()
	if err := db.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := mysql.WaitFree(t.Context(), s.DataDir, pid); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "nothing is left of the process, not even a zombie", func() bool {
		if name == "daemon" {
			return true // init reaps it
		}
		_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
		return os.IsNotExist(err)
	})
	if running, _ := m.Running(t.Context()); running {
		t.Error("start command runs on")
	}
}

func TestStartFails(t *testing.T) {
	tests := []struct {
		name  string
		start []string
		kind  errs.Kind
		want  string
	}{
		{"exit status", shell("echo starting; echo disk is on fire >&2; exit 3"), errs.Permanent, "exit status 3"},
		{"its log", shell("echo starting; echo disk is on fire >&2; exit 3"), errs.Permanent, "\nstarting\ndisk is on fire"},
		{"killed", shell("kill -9 $$"), errs.Permanent, "signal: killed"},
		{"not there", []string{"/nowhere/mysqld"}, errs.NotFound, "/nowhere/mysqld"},
		{"not in PATH", []string{"no-such-mysqld"}, errs.NotFound, "no-such-mysqld"},
		{"not executable", []string{"/etc/passwd"}, errs.Permission, "permission denied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := command(t, tt.start, nil)
			err := m.Start(t.Context())
			if !errs.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.start[0]) {
				t.Errorf("error: %v", err)
			}
			if running, _ := m.Running(t.Context()); running {
				t.Error("running")
			}
			if kind := errs.KindOf(m.(service.Checker).Check(t.Context())); tt.kind != errs.Permanent && kind != tt.kind {
				t.Errorf("check: %s", kind)
			}
		})
	}
}

// A start that hangs is left alone after its window: it may be a server (R9.5).
func TestStartHangs(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	m, _ := command(t, shell("echo waiting; echo $$ >"+pidFile+"; exec sleep 1000"), nil)
	began := time.Now()
	if err := m.Start(t.Context()); err != nil || time.Since(began) > 30*time.Second {
		t.Errorf("start: after %s: %v", time.Since(began), err)
	}
	if running, err := m.Running(t.Context()); !running || err != nil {
		t.Errorf("running: %v, %v", running, err)
	}
	if got := m.LogTail(1); got != "waiting" {
		t.Errorf("log: %q", got)
	}
	pid := readPID(t, pidFile)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "the end is noticed", func() bool {
		running, _ := m.Running(t.Context())
		return !running
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Start(gone); !errs.Is(err, errs.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestStopCommand(t *testing.T) {
	tests := []struct {
		name, script string
		limit        time.Duration
		kind         errs.Kind // empty for success
		want         string
	}{
		{"works", "echo stopped", time.Minute, "", ""},
		{"fails", "echo no way; exit 4", time.Minute, errs.Permanent, "no way"},
		{"hangs", "sleep 1000 & sleep 1000", 200 * time.Millisecond, errs.Transient, "did not end in time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := command(t, shell("true"), shell(tt.script))
			ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
			defer cancel()
			began := time.Now()
			handled, err := m.Stop(ctx)
			if !handled || (err == nil) != (tt.kind == "") || time.Since(began) > time.Minute {
				t.Fatalf("after %s: %v, %v", time.Since(began), handled, err)
			}
			if err != nil && (!errs.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want)) {
				t.Error(err)
			}
		})
	}
}

// Nothing of the agent's environment but the documented names reaches the server.
func TestEnvironment(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hush")
	t.Setenv("LC_TIME", "C")
	m, log := command(t, shell("env; pwd; cat; test ! -t 0"), nil)
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(b); strings.Contains(got, "hush") || !strings.Contains(got, "LC_TIME=C\n") || !strings.Contains(got, "PATH=") ||
		!strings.HasSuffix(got, "/\n") {
		t.Errorf("environment:\n%s", got)
	}
}

// What a person is told to type starts the server.
func TestManual(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "it's here")
	m, log := command(t, shell(`echo started by hand; echo x >"`+mark+`"`), nil)
	if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
		t.Fatal(err)
	}
	lines := m.Manual()
	if out, err := exec.Command("/bin/sh", "-c", lines[0]).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", lines[0], err, out)
	}
	testenv.Eventually(t, 30*time.Second, "the command ran", func() bool {
		_, err := os.Stat(mark)
		return err == nil
	})
	out, err := exec.Command("/bin/sh", "-c", lines[1]).CombinedOutput()
	if err != nil || string(out) != "started by hand\n" {
		t.Errorf("%s: %v\n%s", lines[1], err, out)
	}
}

func TestNew(t *testing.T) {
	tests := []struct {
		name string
		s    job.Service
		o    service.Options
	}{
		{"no kind", job.Service{}, service.Options{}},
		{"no start", job.Service{Kind: job.ServiceExec}, service.Options{LogDir: "/x", Name: "n"}},
		{"no log directory", job.Service{Kind: job.ServiceExec, Start: shell("")}, service.Options{Name: "n"}},
		{"name with a slash", job.Service{Kind: job.ServiceExec, Start: shell("")}, service.Options{LogDir: "/x", Name: "../n"}},
		{"no unit", job.Service{Kind: job.ServiceSystemd}, service.Options{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if m, err := service.New(tt.s, tt.o); !errs.Is(err, errs.Invalid) || m != nil {
				t.Errorf("%v, %v", m, err)
			}
		})
	}
}

// starter is the environment variable that makes TestMain start a server and wait to be killed.
const starter = "DRYDOCK_TEST_START"

func startAndLinger() {
	m, err := service.New(job.Service{Kind: job.ServiceExec, Start: strings.Split(os.Getenv(starter), "\n")},
		service.Options{LogDir: os.Getenv("DRYDOCK_TEST_LOGS"), Name: "orders"})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Start(context.Background()))
	select {}
}

// A server in the foreground outlives the agent that started it and the agent's whole process group (R3.7, R9.4).
func TestSurvivesStarter(t *testing.T) {
	s := testenv.MariaDB(t, testenv.Down())
	agent := exec.Command("/proc/self/exe")
	agent.Env = append(os.Environ(), starter+"="+strings.Join(s.StartCommand(), "\n"), "DRYDOCK_TEST_LOGS="+t.TempDir())
	agent.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := agent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "<nil>\n" {
		t.Errorf("start: %q, %v", line, err)
	}
	if err := syscall.Kill(-agent.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = agent.Wait() // it was killed
	db, err := mysql.Open(s.Job())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	testenv.Eventually(t, 30*time.Second, "the server answers", func() bool { return db.Ping(t.Context()) == nil })
	if n := len(s.Processes()); n != 1 {
		t.Errorf("%d server processes", n)
	}
}

func TestTail(t *testing.T) {
	long := strings.Repeat("0123456789\n", 20000)
	tests := []struct {
		name, text string
		n          int
		want       string
	}{
		{"empty", "", 3, ""},
		{"short", "a\nb\n", 3, "a\nb"},
		{"last", "a\nb\nc", 2, "b\nc"},
		{"long", long + "end\n", 1, "end"},
		{"not text", "a\xff\n", 1, "a?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(name, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := service.Tail(name, tt.n); got != tt.want || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	if _, err := service.Tail(filepath.Join(t.TempDir(), "gone"), 1); err == nil {
		t.Error("no error for a missing file")
	}
}

func readPID(t *testing.T, name string) (pid int) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(b), &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}
