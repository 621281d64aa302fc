//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// S1: the passphrase comes from a file, from the environment, or from a person at a terminal, who sees nothing of it.
func TestWaysOfAPassphrase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain, out := filepath.Join(dir, "dump.sql"), filepath.Join(dir, "out")
	rewrite(t, plain, []byte("SELECT 1;\n"))
	drydock(t, "seal", plain, "--passphrase-file", passphraseFile(t, dir)).want(t, exitDone)
	wantOpened := func(t *testing.T, r result, code int) {
		t.Helper()
		r.want(t, code)
		got, err := os.ReadFile(out)
		if opened := err == nil && string(got) == "SELECT 1;\n"; opened != (code == exitDone) || !opened && err == nil {
			t.Errorf("opened: %q, %v", got, err)
		}
		_ = os.Remove(out)
	}
	open := []string{"open", plain + ".sealed", "--output", out}
	t.Run("file", func(t *testing.T) {
		wantOpened(t, drydock(t, append(open, "--passphrase-file", filepath.Join(dir, "passphrase"))...), exitDone)
	})
	t.Run("environment", func(t *testing.T) {
		cmd := drydockCommand(t, open...)
		cmd.Env = append(cmd.Env, passphraseVariable+"="+testPassphrase)
		wantOpened(t, finish(t, cmd), exitDone)
		cmd = drydockCommand(t, open...)
		cmd.Env = append(cmd.Env, passphraseVariable+"=wrong")
		wantOpened(t, finish(t, cmd), exitFailed)
	})
	t.Run("terminal", func(t *testing.T) {
		screen, r := atTerminal(t, testPassphrase, open...)
		wantOpened(t, r, exitDone)
		if !strings.Contains(screen, "Passphrase: ") || strings.Contains(screen, testPassphrase) {
			t.Errorf("on the screen: %q", screen)
		}
		_, r = atTerminal(t, "wrong", open...)
		wantOpened(t, r, exitFailed)
	})
	t.Run("nobody to ask", func(t *testing.T) {
		r := drydock(t, open...)
		wantOpened(t, r, exitFailed)
		r.says(t, "--passphrase-file")
	})
	t.Run("no argument", func(t *testing.T) {
		wantOpened(t, drydock(t, append(open, "--passphrase", testPassphrase)...), exitUsage)
	})
}

// atTerminal runs a command whose terminal a person sits at, who answers the first question.
func atTerminal(t *testing.T, answer string, args ...string) (screen string, r result) {
	t.Helper()
	person, terminal := newTerminal(t)
	cmd := drydockCommand(t, args...)
	var stderr bytes.Buffer
	asked := &firstWrite{to: &stderr, done: make(chan struct{})}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, asked
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-asked.done:
		testenv.Eventually(t, time.Minute, "the terminal shows nothing of what is typed", func() bool {
			state, err := unix.IoctlGetTermios(int(person.Fd()), unix.TCGETS)
			return err != nil || state.Lflag&unix.ECHO == 0
		})
		if _, err := person.WriteString(answer + "\n"); err != nil {
			t.Fatal(err)
		}
	case err := <-ended:
		t.Fatalf("it ended without a question: %v\n%s", err, stderr.String())
	}
	if err := <-ended; err != nil {
		t.Log("at the terminal:", err) // the caller knows which exit code it wants
	}
	_ = terminal.Close()
	echo, _ := io.ReadAll(person) // until the terminal is gone, which is an error on Linux
	return stderr.String() + string(echo), result{code: cmd.ProcessState.ExitCode(), stderr: stderr.String()}
}

// newTerminal makes a pseudo terminal.
func newTerminal(t *testing.T) (person, terminal *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return person, terminal
}

// firstWrite tells when something was written.
type firstWrite struct {
	to   io.Writer
	once sync.Once
	done chan struct{}
}

// Write implements io.Writer.
func (w *firstWrite) Write(p []byte) (int, error) {
	defer w.once.Do(func() { close(w.done) })
	return w.to.Write(p)
}

// S1: a service gets the passphrase from systemd's credentials.
func TestPassphraseFromCredential(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	h := newSite(t, s)
	h.writeJob(t, jobText{Extra: `encrypt { passphrase = credential("orders-passphrase") }`})
	credentials := filepath.Join(h.dir, "credentials")
	if err := os.Mkdir(credentials, 0o700); err != nil {
		t.Fatal(err)
	}
	rewrite(t, filepath.Join(credentials, "orders-passphrase"), []byte(testPassphrase+"\n"))
	with := func(args ...string) result {
		t.Helper()
		cmd := drydockCommand(t, h.args(args...)...)
		cmd.Env = append(cmd.Env, "CREDENTIALS_DIRECTORY="+credentials)
		return finish(t, cmd)
	}
	with("run", "--file", h.job).want(t, exitDone)
	with("verify", "latest", "--file", h.job, "--deep").want(t, exitDone)
	drydock(t, h.args("run", "--file", h.job)...).want(t, exitUsage).says(t, "orders-passphrase")
	wantNoSecret(t, h.dir, "", map[string]bool{"orders-passphrase": true}, testPassphrase)
}
