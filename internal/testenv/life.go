package testenv

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Start starts the server and waits until it answers a query.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	argv := s.StartCommand()
	s.launch(t, exec.CommandContext(context.WithoutCancel(t.Context()), argv[0], argv[1:]...))
}

// Supervise starts the server under a supervisor that starts it again whenever it ends, as service managers do, and waits
// until it answers a query. The supervisor ends with the test; the server does not.
func (s *Server) Supervise(t testing.TB) {
	t.Helper()
	argv := s.StartCommand() // not on the supervisor's command line: it is no server
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "/bin/sh", "-c", `while :; do "$SERVER" "$CONFIG"; sleep 1; done`)
	cmd.Env = append(os.Environ(), "SERVER="+argv[0], "CONFIG="+argv[1])
	s.launch(t, cmd)
	t.Cleanup(func() { _ = cmd.Process.Kill() })
}

// launch starts a command, which is or becomes the server, and waits until the server answers.
func (s *Server) launch(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	detach(cmd)
	out, err := os.OpenFile(s.LogFile+".out", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", s.Product, err)
	}
	_ = out.Close() // the server has its own descriptor
	ended := make(chan struct{})
	go func() { // reaps the server; ends with it, which cleanup sees to
		_ = cmd.Wait()
		close(ended)
	}()
	s.waitUp(t, ended)
}

func (s *Server) waitUp(t testing.TB, ended <-chan struct{}) {
	t.Helper()
	db := s.open(t)
	defer func() { _ = db.Close() }()
	for deadline := time.Now().Add(patience); ; {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := db.PingContext(ctx)
		cancel()
		if err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("start %s: it ended by itself\n%s", s.Product, s.logTail())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("start %s: no answer within %s: %v\n%s", s.Product, patience, err, s.logTail())
		}
	}
}

// Stop shuts the server down cleanly and waits until its process is gone.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if !s.Running() {
		return
	}
	db := s.open(t)
	_, err := db.ExecContext(context.WithoutCancel(t.Context()), "SHUTDOWN")
	_ = db.Close()
	if !s.waitGone() {
		t.Fatalf("stop %s: still running after %s (SHUTDOWN said: %v)\n%s", s.Product, patience, err, s.logTail())
	}
}

// Kill ends every server process on the data directory with SIGKILL and waits until it is gone.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	for _, pid := range s.Processes() {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill() // gone already is as good
		}
	}
	if !s.waitGone() {
		t.Fatalf("kill %s: processes %v stay", s.Product, s.Processes())
	}
}

func (s *Server) waitGone() bool {
	return eventually(patience, func() bool { return !s.Running() })
}

// Running reports whether a server process works on the data directory, whoever started it.
func (s *Server) Running() bool { return len(s.Processes()) > 0 }

// PID returns the server's process id, 0 when it does not run.
func (s *Server) PID() int {
	if pids := s.Processes(); len(pids) > 0 {
		return pids[0]
	}
	return 0
}
