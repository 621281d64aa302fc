//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// spread is a server with parts of its database outside the data directory: a tablespace, undo and redo logs, and a file
// that a symbolic link in the data directory leads to.
type spread struct {
	*testenv.Server
	tablespace, undo, redo, linked string // directories
	planted                        string // a file in the data directory that the server does not know
}

func newSpread(t *testing.T) *spread {
	t.Helper()
	dir := testenv.Dir(t)
	at := func(name string) string {
		p := filepath.Join(dir, name)
		if err := os.Mkdir(p, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := testenv.Chown(p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	s := &spread{tablespace: at("tables"), undo: at("undo"), redo: at("redo"), linked: at("linked")}
	s.Server = testenv.MySQL(t, testenv.Down(), testenv.With("innodb-directories="+s.tablespace,
		"innodb-undo-directory="+s.undo, "innodb-log-group-home-dir="+s.redo))
	for name, to := range map[string]string{"undo_001": s.undo, "undo_002": s.undo, "#innodb_redo": s.redo} {
		if err := os.Rename(filepath.Join(s.DataDir, name), filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
	}
	s.Start(t)
	s.Fill(t, testenv.FillOptions{BigMB: megabytes(8)})
	s.Exec(t, "CREATE DATABASE far", "CREATE TABLE far.away (id INT PRIMARY KEY) DATA DIRECTORY='"+s.tablespace+"'")
	s.planted = filepath.Join(s.DataDir, "far", "planted")
	target := filepath.Join(s.linked, "target")
	for _, name := range []string{s.planted, s.planted + ".bak", target} {
		if err := os.WriteFile(name, []byte("planted\n"), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := testenv.Chown(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(target, filepath.Join(s.DataDir, "far", "link")); err != nil {
		t.Fatal(err)
	}
	return s
}

// Nothing may write to the database between stop and restart: whatever changes, vanishes or is new during the copy, by
// whomever, there or where the server keeps files outside, fails the run, is named, and nothing of the copy is stored;
// MySQL is back. An agent that is held still makes sure that it happens in the middle.
func TestGuard(t *testing.T) {
	t.Parallel()
	s := newSpread(t)
	file := func(dir, name string) string { return filepath.Join(dir, name) }
	for _, tt := range []struct {
		name   string
		script string // $1 is the file
		file   string
		says   string
		mend   string
	}{
		{"touched", `touch "$1"`, s.planted, `"far/planted" changed`, ""},
		{"appended to", `echo more >>"$1"`, s.planted, `"far/planted" changed`, ""},
		{"replaced by a copy", `cp -p "$1" "$1.new"; mv "$1.new" "$1"`, s.planted, `"far/planted" changed`, ""},
		{"deleted", `rm "$1"`, s.planted + ".bak", `"far/planted.bak" changed during the copy: it vanished`, ""},
		{"new", `echo new >"$1"`, s.planted + ".new", `"far/planted.new" changed during the copy: it is new`, `rm "$1"`},
		{"mode", `chmod 600 "$1"`, s.planted, `"far/planted" changed`, ""},
		{"behind a link", `echo more >>"$1"`, file(s.linked, "target"), `"far/link" changed`, ""},
		{"a tablespace outside", `touch "$1"`, file(s.tablespace, "far/away.ibd"), "away.ibd", ""},
		{"an undo log outside", `touch "$1"`, file(s.undo, "undo_001"), `undo_001" changed`, ""},
		{"a new undo log outside", `echo new >"$1"`, file(s.undo, "undo_009"), `undo_009" changed during the copy: it is new`,
			`rm "$1"`},
		{"a redo log outside", `for f in "$1"/*; do touch "$f"; done`, file(s.redo, "#innodb_redo"), "#ib_redo", ""},
		{"held open for writing", `exec 3>>"$1"; echo $$; read -r _`, s.planted, "works on", ""},
		{"held open for writing outside", `exec 3>>"$1"; echo $$; read -r _`, file(s.undo, "undo_002"), "works on " + s.undo, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newSite(t, s.Server)
			h.writeJob(t, slowly(jobText{}))
			r := h.during(t, "capture", func(pid int) {
				sendSignal(t, pid, syscall.SIGSTOP)
				defer sendSignal(t, pid, syscall.SIGCONT)
				meddle(t, tt.script, tt.file)
			}).want(t, exitFailed)
			r.says(t, "capture:", tt.says)
			h.wantUp(t)
			h.wantNothing(t)
			h.wantNoTrace(t, lastEvent(t, r).Run)
			if tt.mend != "" {
				meddle(t, tt.mend, tt.file)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		h := newSite(t, s.Server)
		h.writeJob(t, jobText{Extra: fmt.Sprintf("verify {\n    drill       = \"always\"\n    scratch_dir = %q\n  }", filepath.Join(h.dir, "scratch"))})
		if e, _ := h.run(t, exitDone); e.Status != agent.StatusDone || e.Drill == nil || !e.Drill.Proven {
			t.Errorf("status %q, drill %+v", e.Status, e.Drill)
		}
		h.wantUp(t)
	})
}

// meddle runs a script on a file. One that prints its id goes on until the test ends.
func meddle(t *testing.T, script, file string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script, "meddle", file)
	if !strings.Contains(script, "read") {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
		return
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // it does not keep MySQL down
		_ = in.Close()
		_ = cmd.Wait()
	})
}
