package testenv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// Receiver is a real drydock-receiver in a process of its own, with an authority of its own.
type Receiver struct {
	Binary     string
	Dir        string // everything lies below
	Root       string // what it keeps
	PKI        string
	ConfigFile string
	LogFile    string
	Address    string // for clients
	Metrics    string // for the administrator

	text  string // the configuration that init has written
	cmd   *exec.Cmd
	ended chan struct{}
}

// ReceiverSettings is HCL that goes into a receiver's configuration.
type ReceiverSettings struct {
	In     string // the directory that everything lies below; empty: one of its own
	Main   string // for the block "receiver"
	Limits string // for the block "limits"
	Blocks string // more blocks
}

// NewReceiver builds drydock-receiver, makes its certificates and starts it. It ends with the test.
func NewReceiver(t testing.TB, settings ReceiverSettings) *Receiver {
	t.Helper()
	r := ReceiverDown(t, settings)
	r.Start(t)
	return r
}

// ReceiverDown is NewReceiver without the start.
func ReceiverDown(t testing.TB, settings ReceiverSettings) *Receiver {
	t.Helper()
	dir := settings.In
	if dir == "" {
		dir = Dir(t)
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r := &Receiver{
		Dir: dir, Root: filepath.Join(dir, "root"), PKI: filepath.Join(dir, "pki"), ConfigFile: filepath.Join(dir, "receiver.hcl"),
		LogFile: filepath.Join(dir, "log"), Binary: filepath.Join(dir, "drydock-receiver"),
		Address: "127.0.0.1:" + strconv.Itoa(freePort(t)), Metrics: "127.0.0.1:" + strconv.Itoa(freePort(t)),
	}
	buildReceiver(t, r.Binary)
	r.Run(t, "init", "--config", r.ConfigFile, "--pki", r.PKI, "--root", r.Root, "--host", "127.0.0.1", "--host", "localhost",
		"--listen", r.Address)
	r.Set(t, settings)
	t.Cleanup(func() { r.Kill(t) })
	return r
}

// buildReceiver builds the command once for all tests, and copies it to name.
func buildReceiver(t testing.TB, name string) {
	t.Helper()
	cache, err := install.Cache()
	if err == nil {
		err = os.MkdirAll(cache, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	l := flock.New(filepath.Join(cache, "receiver.lock"))
	if ok, err := l.TryLockContext(ctx, 50*time.Millisecond); err != nil || !ok {
		t.Fatalf("wait for another test's build of drydock-receiver: %v", err)
	}
	defer func() { _ = l.Close() }()
	built := filepath.Join(cache, "drydock-receiver")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", built, "github.com/drydock-backup/drydock/cmd/drydock-receiver")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build drydock-receiver: %v\n%s", err, out)
	}
	text, err := os.ReadFile(built)
	if err == nil {
		err = writeProgram(name, text)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// writeProgram writes a file that is run next. No child of another test is forked meanwhile: it would have the file open for
// writing for a moment, and such a file cannot be run ("text file busy").
func writeProgram(name string, text []byte) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(name, text, 0o755)
}

// Run runs a command line of drydock-receiver and returns what it prints; the test fails when it fails.
func (r *Receiver) Run(t testing.TB, args ...string) string {
	t.Helper()
	out, err := r.Try(t, args...)
	if err != nil {
		t.Fatalf("drydock-receiver %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// Try is Run for a command that may fail.
func (r *Receiver) Try(t testing.TB, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, r.Binary, args...).CombinedOutput()
	return string(out), err
}

// Set replaces the configuration by what init has written, with settings.
func (r *Receiver) Set(t testing.TB, settings ReceiverSettings) {
	t.Helper()
	if r.text == "" {
		r.text = r.Text(t)
	}
	text := strings.Replace(r.text, "\nreceiver {\n", "\nreceiver {\n"+settings.Main+"\n", 1)
	text = strings.Replace(text, "\nlimits {\n", "\nlimits {\n"+settings.Limits+"\n", 1)
	r.Configure(t, text+fmt.Sprintf("\nmetrics {\n  listen = %q\n}\n", r.Metrics)+settings.Blocks)
}

// Text returns the configuration as it is.
func (r *Receiver) Text(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(r.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Configure replaces the configuration. A running receiver reads it on SIGHUP.
func (r *Receiver) Configure(t testing.TB, text string) {
	t.Helper()
	next := r.ConfigFile + ".next"
	if err := errors.Join(os.WriteFile(next, []byte(text), 0o600), os.Rename(next, r.ConfigFile)); err != nil {
		t.Fatal(err)
	}
}

// Start starts the receiver and waits until it answers.
func (r *Receiver) Start(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(r.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), r.Binary, "serve", "--config", r.ConfigFile)
	detach(r.cmd)
	r.cmd.Stdout, r.cmd.Stderr = log, log
	err = r.cmd.Start()
	_ = log.Close() // the receiver has its own descriptor
	if err != nil {
		t.Fatalf("start drydock-receiver: %v", err)
	}
	ended := make(chan struct{})
	r.ended = ended
	go func(cmd *exec.Cmd) { defer close(ended); _ = cmd.Wait() }(r.cmd) // reaps it; Kill waits
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		dial := net.Dialer{Timeout: time.Second}
		c, err := dial.DialContext(t.Context(), "tcp", r.Metrics)
		if err == nil {
			_ = c.Close()
			if c, err = dial.DialContext(t.Context(), "tcp", r.Address); err == nil {
				_ = c.Close()
				return
			}
		}
		select {
		case <-ended:
			t.Fatalf("drydock-receiver ended by itself:\n%s", r.Log(t))
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("drydock-receiver does not answer: %v\n%s", err, r.Log(t))
		}
	}
}

// Log returns what the receiver has logged.
func (r *Receiver) Log(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(r.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// PID returns the process id.
func (r *Receiver) PID() int { return r.cmd.Process.Pid }

// Signal sends a signal.
func (r *Receiver) Signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := r.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("signal drydock-receiver: %v", err)
	}
}

// Wait waits for the end of the process and returns its exit code.
func (r *Receiver) Wait(t testing.TB) int {
	t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		t.Fatalf("drydock-receiver does not end:\n%s", r.Log(t))
	}
	return r.cmd.ProcessState.ExitCode()
}

// Kill ends the receiver with SIGKILL, if it runs.
func (r *Receiver) Kill(t testing.TB) {
	t.Helper()
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Kill() // may have ended
	<-r.ended
}

// Enroll makes a bundle for a client and returns the attributes of a target that uses it.
func (r *Receiver) Enroll(t testing.TB, name string) map[string]any {
	t.Helper()
	return r.EnrollIn(t, name, name)
}

// EnrollIn is Enroll with another name for the bundle, for a client that has one already.
func (r *Receiver) EnrollIn(t testing.TB, name, bundle string) map[string]any {
	t.Helper()
	bundle = filepath.Join(r.Dir, "bundle-"+bundle)
	r.Run(t, "enroll", name, "--pki", r.PKI, "--out", bundle)
	return r.Target(bundle)
}

// Target returns the attributes of a target that uses a bundle.
func (r *Receiver) Target(bundle string) map[string]any {
	return map[string]any{
		"address": r.Address, "ca_file": filepath.Join(bundle, "ca.pem"), "cert_file": filepath.Join(bundle, "agent.pem"),
		"key_file": filepath.Join(bundle, "agent-key.pem"),
	}
}

// Offer starts "drydock-receiver enroll NAME --offer" on this host, and returns its address and its token. end waits for the
// end of the command.
func (r *Receiver) Offer(t testing.TB, name string) (address, token string, end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, r.Binary, "enroll", name, "--pki", r.PKI, "--offer", "127.0.0.1:0", "--within", "10m")
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	lines := bufio.NewReader(pipe)
	t.Cleanup(cancel)
	line := func() string {
		text, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("drydock-receiver enroll --offer: %v", err)
		}
		return strings.TrimSpace(text)
	}
	address, _, _ = strings.Cut(strings.TrimPrefix(line(), "waiting at "), " ")
	line()
	token = line()
	go func() { // ends with the command
		_, err := io.Copy(io.Discard, lines)
		ended <- errors.Join(err, cmd.Wait())
	}()
	return address, token, func() error {
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.New("drydock-receiver enroll --offer does not end")
		}
	}
}
