//go:build linux

package plugin_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/plugin"
)

// beAgent starts a provider, tells its process id and waits to be killed.
func beAgent(runtime string) {
	self, err := os.Executable()
	if err == nil {
		var h *plugin.Host
		h, err = plugin.NewHost(plugin.Options{Self: self, RuntimeDir: runtime,
			Builtins: []plugin.Builtin{{Kind: "storage", Name: "dir", Schema: dirProvider().Schema}}})
		if err == nil {
			_, err = h.Storage(context.Background(), job.Provider{Type: "dir", Config: job.Config(`{"path": "/etc"}`)})
			fmt.Println(h.Processes()[0].PID)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	time.Sleep(time.Hour)
}

// killedAgent runs an agent with a provider in a runtime directory and kills both at once.
func killedAgent(t *testing.T, runtime string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "DRYDOCK_TEST_AGENT="+runtime)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var provider int
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, scan := fmt.Sscan(line, &provider); err != nil || scan != nil {
		t.Fatal(err, scan)
	}
	must(t, syscall.Kill(provider, syscall.SIGSTOP)) // so that it cannot clean up when it sees its agent die
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	must(t, syscall.Kill(provider, syscall.SIGKILL))
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestSweep removes what a killed agent and its killed provider left, and nothing else: not the directory of a host that
// lives, and nothing that only looks alike.
func TestSweep(t *testing.T) {
	runtime, err := os.MkdirTemp("", "ddr")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(runtime) })
	s := newShop(t)
	s.options.RuntimeDir = runtime
	living := s.host(t)
	store, err := living.Storage(t.Context(), sftp())
	must(t, err)
	own := names(t, runtime)

	killedAgent(t, runtime)
	decoys := []string{"drydock-p", "drydock-p12x", "drydock-p1", "drydock-p2", "drydock-p3", "drydock-p4"}
	for _, name := range decoys {
		must(t, os.Mkdir(filepath.Join(runtime, name), 0o700))
	}
	in := func(parts ...string) string { return filepath.Join(append([]string{runtime}, parts...)...) }
	must(t, os.Chmod(in("drydock-p1"), 0o755))                           // others could use it: not ours
	must(t, os.WriteFile(in("drydock-p2", "notes"), nil, 0o600))         // something of a person's
	must(t, os.MkdirAll(in("drydock-p3", "plugin-dir7", "data"), 0o700)) // nothing that a host makes
	must(t, os.RemoveAll(in("drydock-p4")))                              // and a link
	must(t, os.Symlink(t.TempDir(), in("drydock-p4")))
	must(t, os.MkdirAll(in("drydock-p99999", "plugin-dir1"), 0o700)) // left by hand, as an agent would
	socket, err := net.Listen("unix", in("drydock-p99999", "plugin-dir1", "plugin5"))
	must(t, err)
	socket.(*net.UnixListener).SetUnlinkOnClose(false)
	must(t, socket.Close())
	must(t, syscall.Mkfifo(in("drydock-p99999", "plugin-dir1", "r1"), 0o600))

	want := append(append([]string{}, decoys...), own...)
	if left := names(t, runtime); len(left) != len(want)+2 {
		t.Fatalf("before the sweep: %v", left)
	}
	second := s.host(t)
	if left := names(t, runtime); len(left) != len(want)+1 {
		t.Errorf("after the sweep: %v, want %v and one more", left, want)
	}
	closeHost(t, second)
	sorted := cmp.Transformer("joined", func(list []string) map[string]bool {
		set := map[string]bool{}
		for _, name := range list {
			set[name] = true
		}
		return set
	})
	if diff := cmp.Diff(want, names(t, runtime), sorted); diff != "" {
		t.Error(diff)
	}
	if got := strings.Join(names(t, in("drydock-p2")), " "); got != "notes" {
		t.Errorf("a person's directory holds %q", got)
	}
	if _, err := store.Stat(t.Context(), "hostname"); err != nil {
		t.Errorf("the living host: %v", err)
	}
}
