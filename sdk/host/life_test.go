//go:build linux

package host_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// TestDescribe asks a provider who it is; the schema crosses the boundary whole.
func TestDescribe(t *testing.T) {
	p := start(t, command(t, "compress", "compress", "flate"))
	d := p.Description()
	if d.Kind != "compress" || d.Name != "flate" || d.Version != "1.0.0" || d.Doc != "Deflate." {
		t.Errorf("description %+v", d)
	}
	if diff := cmp.Diff([]string{"do", "level"}, d.Schema.Names()); diff != "" {
		t.Error(diff)
	}
	if a := d.Schema.Attribute("level"); string(a.Default) != "1" || a.Type != "int" || a.Required {
		t.Errorf("level is %+v", a)
	}
	if err := p.Health(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestStartFailures shows that every way not to start gives a clear error, and that no process is left (R9.5).
func TestStartFailures(t *testing.T) {
	tests := []struct {
		name   string
		change func(*host.Command)
		want   string
	}{
		{"no such file", func(c *host.Command) { c.Path = "/does/not/exist" }, "no such file"},
		{"not executable", func(c *host.Command) { c.Path = "/etc/passwd" }, "permission denied"},
		{"other name", func(c *host.Command) { c.Name = "s3" }, `is storage provider "dir"`},
		{"other kind", func(c *host.Command) { c.Kind = "notify" }, `is storage provider "dir"`},
		{"prints first", func(c *host.Command) { c.Env = []string{roleEnv + "=chatty"} },
			`printed "hello from a library" on standard output before the handshake`},
		{"exits", func(c *host.Command) { c.Env = []string{roleEnv + "=crash"} }, "exit status 7: no license file"},
		{"silent", func(c *host.Command) {
			c.Env, c.StartTimeout = []string{roleEnv + "=silent"}, 300*time.Millisecond
		}, "no handshake within 300ms"},
		{"changed binary", func(c *host.Command) { c.SHA256 = make([]byte, 32) }, "has changed: its SHA-256 is"},
		{"no socket directory", func(c *host.Command) { c.SocketDir += "/none" }, "no such file"},
		{"long socket directory", func(c *host.Command) { c.SocketDir += strings.Repeat("/x", 40) }, "longer than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := command(t, "storage", "storage", "dir")
			tt.change(&c)
			p, err := host.Start(t.Context(), c)
			if err == nil {
				_ = p.Stop(t.Context())
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q\nlacks %q", err, tt.want)
			}
		})
	}
	if children := childrenOf(t, os.Getpid()); len(children) > 0 {
		t.Errorf("processes left: %v", children)
	}
}

// childrenOf returns the direct children of a process, zombies included.
func childrenOf(t *testing.T, pid int) []string {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var all []string
	for _, f := range files {
		list, _ := os.ReadFile(f) // a thread may have ended
		all = append(all, strings.Fields(string(list))...)
	}
	return all
}

// TestStartCanceled ends a start that is under way.
func TestStartCanceled(t *testing.T) {
	c := command(t, "silent", "storage", "dir")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := host.Start(ctx, c); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

// TestPinnedBinary starts the same pinned binary twice: the digest is computed anew each time.
func TestPinnedBinary(t *testing.T) {
	c := command(t, "storage", "storage", "dir")
	data, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	c.SHA256 = sum[:]
	start(t, c)
	start(t, c)
}

// TestPinnedSwap replaces the executable's name after its digest was taken: what runs is what was digested.
func TestPinnedSwap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "provider")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Appendf(nil, "#!/bin/sh\nmv %s.evil %s\nexec %s\n", path, path, self)
	evil := fmt.Appendf(nil, "#!/bin/sh\n%s=storage-plain exec %s\n", roleEnv, self)
	for name, data := range map[string][]byte{path: script, path + ".evil": evil} {
		if err := os.WriteFile(name, data, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c := command(t, "storage", "storage", "dir")
	sum := sha256.Sum256(script)
	c.Path, c.SHA256 = path, sum[:]
	start(t, c) // the script is read through the descriptor, so it runs although its name means another file by now
	var changed *host.DigestError
	if _, err := host.Start(t.Context(), c); !errors.As(err, &changed) || changed.Path != path {
		t.Errorf("the replaced file: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	sum = sha256.Sum256(evil)
	if _, err := host.Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), path+": permission denied") {
		t.Errorf("a file that is not executable: %v", err)
	}
}

// TestKill ends a process that hangs; its error has the reason.
func TestKill(t *testing.T) {
	p, s := startStorage(t, t.TempDir())
	if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p.Kill("it hangs")
	<-p.Done()
	_, err := s.Stat(t.Context(), "o")
	if !errs.Is(err, errs.Transient) || !strings.Contains(err.Error(), "signal: killed (it hangs)") {
		t.Errorf("call after the kill: %v", err)
	}
}

// TestPrivateDirectory refuses a socket directory that others can use, and shows what is made in a good one.
func TestPrivateDirectory(t *testing.T) {
	c := command(t, "storage", "storage", "dir")
	if err := os.Chmod(c.SocketDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := host.Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "not private") {
		t.Errorf("error %v", err)
	}
	if err := os.Chmod(c.SocketDir, 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, c)
	var sockets int
	err := filepath.WalkDir(c.SocketDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() && info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		if d.Type()&os.ModeSocket != 0 {
			sockets++
		}
		return nil
	})
	if err != nil || sockets != 1 {
		t.Errorf("%d sockets, %v", sockets, err)
	}
}

// TestEnvironment shows that a provider gets the variables that were listed and none of the host's, that its arguments
// hold nothing else, and that its standard input is closed.
func TestEnvironment(t *testing.T) {
	t.Setenv("DRYDOCK_TEST_SECRET", "hunter22")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter22")
	p, s := startStorage(t, t.TempDir())
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for pair := range strings.SplitSeq(strings.TrimRight(string(env), "\x00"), "\x00") {
		name, _, _ := strings.Cut(pair, "=")
		if strings.Contains(name, "PLUGIN") {
			continue // the handshake's own: no secret in it, see below
		}
		names = append(names, name)
	}
	if diff := cmp.Diff([]string{roleEnv, "PATH", "GORACE"}, names); diff != "" {
		t.Error(diff)
	}
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID()))
	if err != nil || strings.Contains(string(env)+string(args), "hunter22") {
		t.Errorf("a secret in the environment or arguments: %q %q %v", env, args, err)
	}
	got, err := s.Begin(t.Context(), storage.Upload{Key: "!stdin"})
	if err != nil || got != "0 EOF" {
		t.Errorf("standard input gives %q, %v", got, err)
	}
	group, err := syscall.Getpgid(p.PID())
	if err != nil || group != p.PID() {
		t.Errorf("process group %d of process %d, %v", group, p.PID(), err)
	}
}

// TestStop shows a graceful end: calls are ended, the provider is closed, children die too, nothing stays.
func TestStop(t *testing.T) {
	dir := t.TempDir()
	p, s := startStorage(t, dir)
	if _, err := s.Begin(t.Context(), storage.Upload{Key: "!child"}); err != nil {
		t.Fatal(err)
	}
	running := make(chan error, 1)
	go func() {
		_, err := s.Begin(t.Context(), storage.Upload{Key: "!slow"})
		running <- err
	}()
	time.Sleep(50 * time.Millisecond)
	began := time.Now()
	for range 2 {
		if err := p.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("a willing provider took %s to stop", took)
	}
	if err := <-running; err == nil {
		t.Error("the running call succeeded")
	}
	if alive(p.PID()) {
		t.Error("it still lives")
	}
	gone(t, childOf(t, dir), 20*time.Second)
	if _, err := os.Stat(filepath.Join(dir, "closed")); err != nil {
		t.Error("the provider was not closed")
	}
	if _, err := s.Stat(t.Context(), "x"); !errs.Is(err, errs.Permanent) || !strings.Contains(err.Error(), "was stopped") {
		t.Errorf("call after stop: %v", err)
	}
	if p.Err() != nil {
		t.Errorf("a stop is no error: %v", p.Err())
	}
}

func childOf(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "child.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// TestStopFrozen stops a provider that answers nothing, with and without patience.
func TestStopFrozen(t *testing.T) {
	for name, patience := range map[string]time.Duration{"impatient": 100 * time.Millisecond, "patient": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := startStorage(t, t.TempDir())
			freeze(t, p.PID())
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			if err := p.Health(ctx); !errs.Is(err, errs.Canceled) {
				t.Errorf("health: %v", err)
			}
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), patience)
			defer cancel()
			began := time.Now()
			if err := p.Stop(ctx); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 40*time.Second || (name == "impatient" && took > 20*time.Second) {
				t.Errorf("stop took %s", took)
			}
			if alive(p.PID()) {
				t.Error("it still lives")
			}
		})
	}
}

// freeze stops a process and waits until every thread of it stands.
func freeze(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		standing := 0
		for _, f := range files {
			if stat, _ := os.ReadFile(f); strings.Contains(string(stat), ") T ") {
				standing++
			}
		}
		if err == nil && standing > 0 && standing == len(files) {
			return
		}
	}
	t.Fatal("it does not freeze")
}

// TestDeath shows what callers learn of a provider that dies under them, whatever holds its outputs.
func TestDeath(t *testing.T) {
	tests := []struct {
		key  string
		want []string
	}{
		{"!panic", []string{"storage plugin \"dir\" (process ", "exit status 2", "panic: boom [redacted]", "goroutine "}},
		{"!exit", []string{"exit status 9", "cannot go on: disk on fire"}},
		{"!kill", []string{"signal: killed"}},
	}
	for _, tt := range tests {
		t.Run(tt.key, func(t *testing.T) {
			dir := t.TempDir()
			p := start(t, command(t, "storage", "storage", "dir"))
			configure(t, p, fmt.Sprintf(`{"path": %q, "secret": "hunter22"}`, dir))
			s, err := p.Storage()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Begin(t.Context(), storage.Upload{Key: "!child"}); err != nil {
				t.Fatal(err)
			}
			key := tt.key
			if key == "!kill" {
				key = "!slow"
				time.AfterFunc(50*time.Millisecond, func() { _ = syscall.Kill(p.PID(), syscall.SIGKILL) })
			}
			began := time.Now()
			_, err = s.Begin(t.Context(), storage.Upload{Key: key})
			var exit *host.ExitError
			if !errs.Is(err, errs.Transient) || !errors.As(err, &exit) || time.Since(began) > 20*time.Second {
				t.Fatalf("%v after %s", err, time.Since(began))
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "hunter22") {
				t.Errorf("a secret in %q", err)
			}
			<-p.Done()
			if !errors.As(p.Err(), &exit) || exit.PID != p.PID() {
				t.Errorf("err %v", p.Err())
			}
			gone(t, childOf(t, dir), 20*time.Second)
			if _, err := s.Stat(t.Context(), "x"); !errors.As(err, &exit) {
				t.Errorf("later call: %v", err)
			}
		})
	}
}

// TestLifeline kills an agent with SIGKILL: its provider is gone within 5 s and was closed before, with the inherited pipe
// and with the Lifeline call alone. With the pipe the sockets are gone too.
func TestLifeline(t *testing.T) {
	for _, role := range []string{"storage", "storage-no-pipe"} {
		t.Run(role, func(t *testing.T) {
			dir := t.TempDir()
			sockets := filepath.Join(socketDir(t), "d")
			if err := os.Mkdir(sockets, 0o700); err != nil {
				t.Fatal(err)
			}
			agent, pid := startAgent(t, role, sockets, dir)
			if err := agent.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = agent.Wait()
			gone(t, pid, 5*time.Second)
			if _, err := os.Stat(filepath.Join(dir, "closed")); err != nil {
				t.Error("the orphan did not close its provider")
			}
			if role == "storage-no-pipe" {
				_ = os.RemoveAll(sockets)
			}
		})
	}
}

// startAgent starts an agent with one provider and returns the provider's process id.
func startAgent(t *testing.T, role, sockets, dir string) (*exec.Cmd, int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	agent := exec.CommandContext(t.Context(), self)
	agent.Env = []string{roleEnv + "=agent", "PROVIDER=" + role, "SOCKETS=" + sockets, fmt.Sprintf(`CONFIG={"path": %q}`, dir)}
	agent.Stderr = os.Stderr
	out, err := agent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || !alive(pid) {
		t.Fatal(pid, err)
	}
	return agent, pid
}

// TestFramesDeath kills a compressor in the middle of a frame.
func TestFramesDeath(t *testing.T) {
	p, f := startFrames(t, `{"do": "hang"}`, host.FrameOptions{FrameSize: 1 << 10, Slots: 1})
	s, err := f.Slot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := f.Slot(t.Context())
		waiting <- err
	}()
	time.AfterFunc(50*time.Millisecond, func() { _ = syscall.Kill(p.PID(), syscall.SIGKILL) })
	var exit *host.ExitError
	if _, err := s.Compress(t.Context(), 5); !errors.As(err, &exit) || exit.State != "signal: killed" {
		t.Errorf("compress: %v", err)
	}
	if err := <-waiting; !errors.As(err, &exit) {
		t.Errorf("wait for a slot: %v", err)
	}
	s.Release()
	if _, err := f.Slot(t.Context()); !errors.As(err, &exit) {
		t.Errorf("slot: %v", err)
	}
}
