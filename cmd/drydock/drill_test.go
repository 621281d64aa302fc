//go:build linux

package main

import (
	"bytes"
	"cmp"
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
	"github.com/drydock-backup/drydock/internal/testenv/install"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// S2: a drill proves with a real server that a backup can be restored, finds what is wrong with it, and leaves nothing. A run
// ends with one when the last proof is too old.
func TestDrills(t *testing.T) {
	t.Parallel()
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		away, logs := testenv.Dir(t), testenv.Dir(t)
		for _, dir := range []string{away, logs} {
			if err := testenv.Chown(dir); err != nil {
				t.Fatal(err)
			}
		}
		s := start(testenv.Down(), testenv.Keyring(), testenv.With("loose-innodb-directories="+away, "innodb-undo-directory="+logs,
			"innodb-log-group-home-dir="+logs, "loose-aria-log-dir-path="+logs))
		moveLogs(t, s.DataDir, logs)
		s.Start(t)
		s.Fill(t, testenv.FillOptions{})
		encrypted := map[string]string{install.MySQL: "ENCRYPTION='Y'", install.MariaDB: "ENCRYPTED=YES"}
		s.Exec(t, "CREATE TABLE shop.secret (id INT PRIMARY KEY) "+encrypted[s.Product], "INSERT INTO shop.secret VALUES (1), (2)",
			"CREATE TABLE shop.away (id INT PRIMARY KEY) DATA DIRECTORY='"+away+"'", "INSERT INTO shop.away VALUES (1), (2), (3)")
		h := newSite(t, s)
		hook, told := newHook(t)
		d := &drills{site: h, scratch: filepath.Join(h.dir, "scratch"), hook: hook, told: told} // its owner can reach it
		d.write(t, verifyText{drill: "weekly"})
		if p := h.plan(t); p.Drill == nil || !p.Drill.Due || p.Drill.Server == "" || !p.Drill.LastProven.IsZero() {
			t.Errorf("plan before the first drill: %+v", p.Drill)
		}
		e, r := h.run(t, exitDone)
		rep := e.Drill
		if rep == nil || !rep.Proven || rep.Backup != e.BackupID || rep.Target != "nas" || rep.Tables < 20 || rep.Queries != 3 ||
			rep.DataBytes != e.DataBytes || len(rep.Damaged) > 0 || !strings.EqualFold(strings.Fields(rep.Server)[0], s.Product) {
			t.Errorf("drill: %+v", rep)
		}
		wantStory(t, r, "preflight", "stop", "capture", "ship", "restart", "confirm", "commit", "clean", "restore", "server", "drill")
		b := h.backups(t)[0]
		if b.LastProven.IsZero() || b.VerifiedBy != "drill" || b.LastFailure != "" {
			t.Errorf("after the drill: %+v", b)
		}
		if p := h.plan(t); p.Drill == nil || p.Drill.Due || !p.Drill.LastProven.Equal(b.LastProven) {
			t.Errorf("plan after the drill: %+v", p.Drill)
		}
		wantTold(t, told, nil)
		t.Run("keyring", func(t *testing.T) { d.keyring(t, e.BackupID, away) })
		t.Run("refused", func(t *testing.T) { d.refused(t) })
		t.Run("wrong", func(t *testing.T) { d.wrong(t) })
		t.Run("ended", func(t *testing.T) { d.ended(t) })
		t.Run("damaged table", func(t *testing.T) { d.damagedTable(t) })
		wantEmpty(t, d.scratch)
		h.wantUp(t)
	})
}

// moveLogs moves undo, redo and Aria logs out of a data directory.
func moveLogs(t *testing.T, from, to string) {
	t.Helper()
	moved := 0
	for _, pattern := range []string{"undo*", "#innodb_redo", "ib_logfile*", "aria_log*"} {
		logs, err := filepath.Glob(filepath.Join(from, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, log := range logs {
			if err := os.Rename(log, filepath.Join(to, filepath.Base(log))); err != nil {
				t.Fatal(err)
			}
			moved++
		}
	}
	if moved < 3 {
		t.Fatalf("%d logs in %s", moved, from)
	}
}

// drills are the drills of a site.
type drills struct {
	*site
	scratch string
	hook    string
	told    <-chan notify.Event // failures and what was missed
}

// verifyText is the verify block; each test changes what it is about.
type verifyText struct {
	drill, expect, timeout, mysqld string
	keyring                        string // where the keys are; "": they are archived
}

// write writes the job with a verify block: three queries, of which the last gives 500.
func (d *drills) write(t *testing.T, v verifyText) {
	t.Helper()
	more, artifact := "", "include_keyring = true"
	if v.mysqld != "" {
		more = fmt.Sprintf("mysqld = %q\n", v.mysqld)
	}
	if v.keyring != "" {
		more, artifact = more+fmt.Sprintf("keyring = [%q]\n", v.keyring), ""
	}
	d.writeJob(t, jobText{Artifact: artifact, Extra: hookBlock("dba", d.hook, `"failure", "missed"`) + fmt.Sprintf(`
  verify {
    drill       = %q
    scratch_dir = %q
    timeout     = %q
    %s
    query "view" {
      sql    = "SELECT COUNT(*) > 0 FROM shop.turnover"
      expect = "1"
    }
    query "away" {
      sql    = "SELECT COUNT(*) FROM shop.away"
      expect = "3"
    }
    query "customers" {
      sql    = "SELECT COUNT(*) FROM shop.customers"
      expect = %q
    }
  }`, cmp.Or(v.drill, "never"), d.scratch, cmp.Or(v.timeout, "12h"), more, cmp.Or(v.expect, "500"))})
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

// runRow is the newest run.
func (h *site) runRow(t *testing.T) agent.RunRow {
	t.Helper()
	var rows []agent.RunRow
	r := drydock(t, h.args("runs", "--json")...).want(t, exitDone)
	if err := json.Unmarshal([]byte(r.stdout), &rows); err != nil || len(rows) == 0 {
		t.Fatalf("runs --json: %v\n%s", err, r.stdout)
	}
	return rows[0]
}

// keyring drills backups of encrypted tables, with keys from the backup, which is archived, and with those that are given. The
// server's own, and its tablespace outside, are not used: they are away meanwhile.
func (d *drills) keyring(t *testing.T, archived, outside string) {
	d.write(t, verifyText{drill: "always", keyring: d.server.KeyringFile()})
	e, _ := d.run(t, exitDone)
	if e.Drill == nil || !e.Drill.Proven {
		t.Errorf("with the job's keyring: %+v", e.Drill)
	}
	originals := []string{filepath.Dir(d.server.KeyringFile()), filepath.Join(outside, "shop")} // the server has them open, or read
	rename := func(from, to string) {
		for _, dir := range originals {
			if err := os.Rename(dir+from, dir+to); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.write(t, verifyText{})
	rename("", "-away")
	drydock(t, d.args("verify", archived, "--drill")...).want(t, exitDone)
	drydock(t, d.args("verify", e.BackupID, "--drill")...).want(t, exitFailed).says(t, "not in the backup", "hint:", "nothing was fetched")
	wantEmpty(t, d.scratch)
	rename("-away", "")
}

// What makes a drill impossible is said before anything is fetched, and says nothing about the backup. A run whose drill is
// impossible has made its backup all the same.
func (d *drills) refused(t *testing.T) {
	small := filepath.Join(d.dir, "small")
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
		"not a server": {[]string{"--mysqld", "/bin/true"}, "no version of a server"},
		"no room":      {[]string{"--scratch", small}, "nothing was fetched"},
		"in the data":  {[]string{"--scratch", filepath.Join(d.server.DataDir, "drills")}, "within the data directory"},
	} {
		r := drydock(t, d.args(append([]string{"verify", "latest", "--drill"}, test.args...)...)...).want(t, exitFailed)
		if !strings.Contains(r.stderr, test.says) || !strings.Contains(r.stderr, "hint:") {
			t.Errorf("%s: %s", name, r.stderr)
		}
	}
	wantEmpty(t, small)
	d.write(t, verifyText{drill: "always", mysqld: "/not/there/mysqld"})
	if w := strings.Join(d.plan(t).Warnings, "\n"); !strings.Contains(w, "no server that fits") {
		t.Errorf("warnings of the plan: %q", w)
	}
	e, r := d.run(t, exitDone)
	if e.Status != agent.StatusDone || e.Drill == nil || e.Drill.Proven || !strings.Contains(e.Drill.Error, "no server that fits") ||
		!strings.Contains(r.stdout, "a drill was due and could not be made") {
		t.Errorf("status %s, drill %+v", e.Status, e.Drill)
	}
	wantTold(t, d.told, []string{"missed"})
	wantEmpty(t, d.scratch)
	if b, row := d.backups(t)[0], d.runRow(t); b.LastFailure != "" || row.Status != "done" || !row.LastProven.IsZero() {
		t.Errorf("after refused drills: %+v, %+v", b, row)
	}
}

// A query that gives something else, a server that does not start, and one that hangs.
func (d *drills) wrong(t *testing.T) {
	d.write(t, verifyText{expect: "501"})
	rep := d.drill(t, exitDamage)
	if len(rep.Damaged) != 1 || rep.Damaged[0].Path != "query customers" || !strings.Contains(rep.Damaged[0].Reason, `"500" instead of "501"`) {
		t.Errorf("wrong answer: %+v", rep.Damaged)
	}
	if b, row := d.backups(t)[0], d.runRow(t); !strings.Contains(b.LastFailure, "damaged") || row.Status != "damaged" || row.DrillFailure == "" {
		t.Errorf("after a wrong answer: %+v, %+v", b, row)
	}
	real := d.server.StartCommand()[0]
	broken := d.program(t, "broken", `exec "`+real+`" "$@" --innodb-data-file-path=ibdata1:77M`)
	r := drydock(t, d.args("verify", "latest", "--drill", "--mysqld", broken)...).want(t, exitDamage)
	if !strings.Contains(r.stderr, "start the server") || !strings.Contains(r.stderr, "ibdata1") {
		t.Errorf("a server that does not start: %s", r.stderr)
	}
	d.write(t, verifyText{timeout: "1s"})
	r = drydock(t, d.args("verify", "latest", "--drill", "--mysqld", d.hanging(t))...).want(t, exitFailed)
	r.says(t, "its time is up", "hint:", "timeout")
	wantEmpty(t, d.scratch)
}

// hanging is a server that never answers.
func (d *drills) hanging(t *testing.T) string { return d.program(t, "hangs", "exec sleep 600") }

// ended ends the drill of a run while its server is there: the server goes with it, the run is done and its backup is one. What
// a killed one leaves goes with the next command that works on the job.
func (d *drills) ended(t *testing.T) {
	d.write(t, verifyText{drill: "always", mysqld: d.hanging(t)})
	cmd := drydockCommand(t, d.args("run", "--file", d.job, "--json")...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	pid := d.drillServer(t, ended)
	d.wantUp(t)
	signal := os.Interrupt
	if d.server.Product == install.MariaDB {
		signal = os.Kill
	} else {
		d.besides(t)
	}
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(3 * time.Minute):
		t.Fatalf("the run does not end:\n%s", stderr.String())
	}
	testenv.Eventually(t, time.Minute, "the server has ended with its drill", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	if signal == os.Interrupt {
		e := lastEvent(t, result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()})
		if e.ExitCode != exitDone || e.Status != agent.StatusDone || e.Drill == nil || e.Drill.Proven || e.BackupID == "" {
			t.Errorf("after an interrupt: %+v, drill %+v", e.Outcome, e.Drill)
		}
	}
	row, b := d.runRow(t), d.backups(t)[0]
	if row.Status != "done" || row.RunID != b.ID || !b.LastProven.IsZero() || b.LastFailure != "" {
		t.Errorf("after the end of the drill: %+v, %+v", row, b)
	}
	if found := d.recover(t); len(found) != 0 {
		t.Errorf("recovered: %+v", found)
	}
	wantEmpty(t, d.scratch)
	wantTold(t, d.told, nil)
}

// besides does what may be done while a drill goes on: it holds up neither another run nor anybody who looks for what the dead
// have left, and it is the only one.
func (d *drills) besides(t *testing.T) {
	if found := d.recover(t); len(found) != 0 {
		t.Errorf("recovered: %+v", found)
	}
	e, r := d.run(t, exitDone)
	if e.BackupID == "" || e.Drill == nil || e.Drill.Proven || !strings.Contains(r.stdout, "the drill of an earlier backup goes on") {
		t.Errorf("a run beside a drill: %+v, drill %+v", e.Outcome, e.Drill)
	}
}

// drillServer waits for the server of a drill and returns its process.
func (d *drills) drillServer(t *testing.T, ended <-chan struct{}) int {
	t.Helper()
	var id struct{ PID int }
	testenv.Eventually(t, 3*time.Minute, "the server of the drill is there", func() bool {
		select {
		case <-ended:
			t.Fatal("the run ended without a drill")
		default:
		}
		names, _ := filepath.Glob(filepath.Join(d.scratch, "drill-*", "server.json"))
		if len(names) != 1 {
			return false
		}
		text, err := os.ReadFile(names[0])
		return err == nil && json.Unmarshal(text, &id) == nil
	})
	return id.PID
}

// program writes a program that tells the real server's version and then does something else.
func (d *drills) program(t *testing.T, name, script string) string {
	t.Helper()
	path := filepath.Join(d.dir, name)
	text := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *--version) exec %q --no-defaults --version;; esac\n%s\n", d.server.StartCommand()[0], script)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// A table that was damaged before the backup is found by the server alone: every byte is as it was.
func (d *drills) damagedTable(t *testing.T) {
	d.write(t, verifyText{drill: "always"})
	d.server.Exec(t, "FLUSH TABLES") // the server has it closed, and does not look at it again before it ends
	file := filepath.Join(d.server.DataDir, "shop", "legacy.MYD")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, good[:len(good)/2], 0); err != nil { // the mode of a file that exists stays
		t.Fatal(err)
	}
	e, _ := d.run(t, exitDamage)
	if e.Status != agent.StatusDamaged || e.BackupID == "" || e.Drill == nil || len(e.Drill.Damaged) == 0 ||
		e.Drill.Damaged[0].Path != "shop.legacy" {
		t.Errorf("status %s, drill %+v", e.Status, e.Drill)
	}
	wantTold(t, d.told, []string{"failure"})
	drydock(t, d.args("verify", "latest", "--deep")...).want(t, exitDone)
	b, row := d.backups(t)[0], d.runRow(t)
	if b.LastVerified.IsZero() || !b.LastProven.IsZero() || row.Status != "damaged" || row.RunID != b.ID {
		t.Errorf("after the drill: %+v, %+v", b, row)
	}
	if err := os.WriteFile(file, good, 0); err != nil {
		t.Fatal(err)
	}
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("left in %s: %v, %v", dir, names, err)
	}
}
