//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// S2: a drill proves with a real server that a backup can be restored, finds what is wrong with it, and leaves nothing.
func TestDrills(t *testing.T) {
	t.Parallel()
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		s := start()
		s.Fill(t, testenv.FillOptions{})
		h := newSite(t, s)
		scratch := filepath.Join(h.dir, "scratch") // the owner of the data can reach it
		h.drillJob(t, scratch, "500", "12h")
		e, _ := h.run(t, exitDone)

		rep := h.drill(t, exitDone)
		if rep.Backup != e.BackupID || rep.Tables < 20 || rep.Queries != 2 || rep.DataBytes != e.DataBytes || len(rep.Damaged) > 0 ||
			!strings.EqualFold(strings.Fields(rep.Server)[0], s.Product) {
			t.Errorf("drill: %+v", rep)
		}
		b := h.backups(t)[0]
		if b.LastProven.IsZero() || b.VerifiedBy != "drill" || b.LastFailure != "" {
			t.Errorf("after the drill: %+v", b)
		}
		t.Run("refused", func(t *testing.T) { h.refusedDrills(t, scratch) })
		t.Run("wrong", func(t *testing.T) { h.wrongDrills(t, scratch) })
		t.Run("damaged table", func(t *testing.T) { h.damagedTable(t) })
		wantEmpty(t, scratch)
		h.wantUp(t)
	})
}

// drillJob writes the job with a verify block: two queries, of which the second gives 500.
func (h *site) drillJob(t *testing.T, scratch, expect, timeout string, more ...string) {
	t.Helper()
	h.writeJob(t, jobText{Extra: fmt.Sprintf(`verify {
    scratch_dir = %q
    timeout     = %q
    %s
    query "view" {
      sql    = "SELECT COUNT(*) > 0 FROM shop.turnover"
      expect = "1"
    }
    query "customers" {
      sql    = "SELECT COUNT(*) FROM shop.customers"
      expect = %q
    }
  }`, scratch, timeout, strings.Join(more, "\n"), expect)})
}

// drill drills the latest backup and reads the report.
func (h *site) drill(t *testing.T, code int, more ...string) (rep agent.DrillReport) {
	t.Helper()
	r := drydock(t, h.args(append([]string{"verify", "latest", "--drill", "--json"}, more...)...)...).want(t, code)
	if err := json.Unmarshal([]byte(r.stdout), &rep); err != nil {
		t.Fatalf("verify --drill --json: %v\n%s", err, r.stdout)
	}
	return rep
}

// What makes a drill impossible is said before anything is fetched, and says nothing about the backup.
func (h *site) refusedDrills(t *testing.T, scratch string) {
	small := filepath.Join(h.dir, "small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v: %s", err, out)
	}
	defer func() { _ = exec.CommandContext(t.Context(), "umount", small).Run() }()
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no server":    {[]string{"--mysqld", "/not/there/mysqld"}, "no server that fits"},
		"not a server": {[]string{"--mysqld", "/bin/true"}, "no version of a server"},
		"no room":      {[]string{"--scratch", small}, "nothing was fetched"},
	} {
		r := drydock(t, h.args(append([]string{"verify", "latest", "--drill"}, test.args...)...)...).want(t, exitFailed)
		if !strings.Contains(r.stderr, test.says) || !strings.Contains(r.stderr, "hint:") {
			t.Errorf("%s: %s", name, r.stderr)
		}
	}
	wantEmpty(t, scratch)
	wantEmpty(t, small)
	if b := h.backups(t)[0]; b.LastFailure != "" {
		t.Errorf("after refused drills: %+v", b)
	}
}

// A query that gives something else, a server that does not start, one that hangs, and a drill that is killed.
func (h *site) wrongDrills(t *testing.T, scratch string) {
	h.drillJob(t, scratch, "501", "12h")
	rep := h.drill(t, exitDamage)
	if len(rep.Damaged) != 1 || rep.Damaged[0].Path != "query customers" || !strings.Contains(rep.Damaged[0].Reason, `"500" instead of "501"`) {
		t.Errorf("wrong answer: %+v", rep.Damaged)
	}
	if b := h.backups(t)[0]; !strings.Contains(b.LastFailure, "damaged") || b.LastProven.IsZero() {
		t.Errorf("after a wrong answer: %+v", b)
	}
	real := h.server.StartCommand()[0]
	broken := h.program(t, "broken", `exec "`+real+`" "$@" --innodb-data-file-path=ibdata1:77M`)
	r := drydock(t, h.args("verify", "latest", "--drill", "--mysqld", broken)...).want(t, exitDamage)
	if !strings.Contains(r.stderr, "start the server") || !strings.Contains(r.stderr, "ibdata1") {
		t.Errorf("a server that does not start: %s", r.stderr)
	}
	hangs := h.program(t, "hangs", "exec sleep 600")
	h.drillJob(t, scratch, "500", "1s")
	r = drydock(t, h.args("verify", "latest", "--drill", "--mysqld", hangs)...)
	if r.code != exitFailed || !strings.Contains(r.stderr, "its time is up") {
		t.Errorf("a server that hangs: %d, %s", r.code, r.stderr)
	}
	wantEmpty(t, scratch)
	h.killedDrill(t, scratch, hangs)
	h.drillJob(t, scratch, "500", "12h")
	h.drill(t, exitDone) // cleans up
}

// program writes a program that tells the real server's version and then does something else.
func (h *site) program(t *testing.T, name, script string) string {
	t.Helper()
	path := filepath.Join(h.dir, name)
	text := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *--version) exec %q --no-defaults --version;; esac\n%s\n", h.server.StartCommand()[0], script)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// killedDrill kills a drill while its server is there: the server goes with it.
func (h *site) killedDrill(t *testing.T, scratch, program string) {
	h.drillJob(t, scratch, "500", "12h")
	cmd := drydockCommand(t, h.args("verify", "latest", "--drill", "--mysqld", program)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var id struct{ PID int }
	testenv.Eventually(t, 2*time.Minute, "the server of the drill is there", func() bool {
		names, _ := filepath.Glob(filepath.Join(scratch, "drill-*", "server.json"))
		if len(names) != 1 {
			return false
		}
		text, err := os.ReadFile(names[0])
		return err == nil && json.Unmarshal(text, &id) == nil
	})
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	testenv.Eventually(t, time.Minute, "the server has ended with its drill", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id.PID))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// A table that was damaged before the backup is found by the server alone: every byte is as it was.
func (h *site) damagedTable(t *testing.T) {
	h.server.Stop(t)
	file := filepath.Join(h.server.DataDir, "shop", "legacy.MYD")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, good[:len(good)/2], 0); err != nil { // the mode of a file that exists stays
		t.Fatal(err)
	}
	h.run(t, exitDone)
	drydock(t, h.args("verify", "latest", "--deep")...).want(t, exitDone)
	rep := h.drill(t, exitDamage)
	if len(rep.Damaged) == 0 || rep.Damaged[0].Path != "shop.legacy" {
		t.Errorf("damaged: %+v", rep.Damaged)
	}
	if b := h.backups(t)[0]; b.LastVerified.IsZero() || !b.LastProven.IsZero() || b.LastFailure == "" {
		t.Errorf("after the drill: %+v", b)
	}
	if err := os.WriteFile(file, good, 0); err != nil {
		t.Fatal(err)
	}
	h.server.Start(t)
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("left in %s: %v, %v", dir, names, err)
	}
}
