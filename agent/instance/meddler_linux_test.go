package instance_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// While the server is down nobody works on its files: a server is found by its locks, anybody else by a file that is
// open for writing, also where the server keeps files outside its data directory. Readers do not count.
func TestMeddler(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	outside := t.TempDir()
	undo := filepath.Join(outside, "undo_001")
	for _, name := range []string{undo, filepath.Join(outside, "other")} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	i := of(t, s)
	says := func(t *testing.T, parts ...string) {
		t.Helper()
		who, err := i.Meddler([]string{undo})
		if err != nil || (who == "") != (len(parts) == 0) {
			t.Errorf("meddler: %q, %v; want %q", who, err, parts)
		}
		for _, part := range parts {
			if !strings.Contains(who, part) {
				t.Errorf("meddler: %q does not say %q", who, part)
			}
		}
	}
	says(t, strconv.Itoa(s.PID()), s.DataDir)
	s.Stop(t)
	says(t)
	for name, tt := range map[string]struct {
		redirect, file string
		found          bool
	}{
		"reads a file":              {"<", filepath.Join(s.DataDir, "ibdata1"), false},
		"appends to a file":         {">>", filepath.Join(s.DataDir, "ibdata1"), true},
		"writes to an undo log":     {"<>", undo, true},
		"writes to something else":  {">>", filepath.Join(outside, "other"), false},
		"writes deep below":         {">>", filepath.Join(s.DataDir, "mysql", "planted"), true},
		"has a name that begins so": {">>", undo + "2", false},
	} {
		t.Run(name, func(t *testing.T) {
			pid := holdOpen(t, tt.redirect, tt.file)
			if tt.found {
				says(t, strconv.Itoa(pid))
			} else {
				says(t)
			}
		})
	}
}

// holdOpen starts a shell that has a file open until the test ends.
func holdOpen(t *testing.T, redirect, file string) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `eval "exec 3`+redirect+`\"\$1\""; echo open; read -r _`, "sh", file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd.Process.Pid
}

// A process that has a file open, and none of a server's locks, does not keep the server down (R3.7).
func TestStartBesideABystander(t *testing.T) {
	t.Parallel()
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		s := start(testenv.Down())
		holdOpen(t, ">>", filepath.Join(s.DataDir, "mysql", "planted"))
		i := of(t, s)
		if err := i.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantOne(t, s)
		if pid, err := i.Holder(); pid != s.PID() || err != nil {
			t.Errorf("holder %d, %v; want %d", pid, err, s.PID())
		}
	})
}
