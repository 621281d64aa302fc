//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// damagedPage is a page of shop/big.ibd that holds rows.
const damagedPage = 70

// flipBit flips one bit of a file.
func flipBit(t *testing.T, file string, at int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 16
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// verifyReport runs verify --json.
func (h *site) verifyReport(t *testing.T, code int, args ...string) agent.VerifyReport {
	t.Helper()
	var rep agent.VerifyReport
	r := drydock(t, h.args(append([]string{"verify", "--json"}, args...)...)...).want(t, code)
	if err := json.Unmarshal([]byte(r.stdout), &rep); err != nil {
		t.Fatalf("verify --json: %v\n%s", err, r.stdout)
	}
	return rep
}

// S2, R9.6: the backup of a database with a damaged page is made, and everybody is told; what becomes damaged later is told
// from it.
func TestDamagedDatabase(t *testing.T) {
	t.Parallel()
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		s := start()
		s.Fill(t, testenv.FillOptions{BigMB: 2})
		h := newSite(t, s)
		hook, events := newHook(t)
		h.writeJob(t, jobText{Extra: hookBlock("dba", hook, `"success", "failure"`)})

		good, r := h.run(t, exitDone)
		if good.Pages == nil || good.Pages.Pages < 500 || good.Pages.Damaged != 0 || strings.Contains(r.stderr, "damaged") {
			t.Fatalf("a sound database: %+v\n%s", good.Pages, r.stderr)
		}
		if e := <-events; e.Type != "success" {
			t.Errorf("told: %+v", e)
		}
		rep := h.verifyReport(t, exitDone, good.BackupID, "--deep")
		if rep.Pages == nil || *rep.Pages != *good.Pages {
			t.Errorf("verified %+v, archived %+v", rep.Pages, good.Pages)
		}

		s.Stop(t)
		flipBit(t, filepath.Join(s.DataDir, "shop", "big.ibd"), damagedPage*16<<10+9000)
		s.Start(t)
		bad, r := h.run(t, exitDamage)
		r.says(t, "the database has damaged pages", `"shop/big.ibd" page 70`, "CHECK TABLE")
		if bad.Status != agent.StatusDamaged || bad.BackupID == "" || bad.Pages.Damaged != 1 || len(bad.DamagedPages) != 1 ||
			bad.DamagedPages[0].Path != "shop/big.ibd" || !slices.Equal(bad.DamagedPages[0].First, []int64{damagedPage}) {
			t.Errorf("finished: %+v", bad.Outcome)
		}
		h.wantUp(t)
		if e := <-events; e.Type != "failure" || e.Severity != notify.Critical || !strings.Contains(e.Detail, "shop/big.ibd") ||
			e.Fields["damaged_pages"] != "1" {
			t.Errorf("told: %+v", e)
		}
		h.wantShown(t, good, bad)
		h.damagedSince(t, good, bad)
		h.writeJob(t, jobText{Artifact: "check_pages = false"})
		if e, _ := h.run(t, exitDone); e.Pages != nil || e.Status != agent.StatusDone {
			t.Errorf("with check_pages = false: %+v", e.Outcome)
		}
	})
}

// wantShown looks at what the commands say about a sound backup and one with a damaged page.
func (h *site) wantShown(t *testing.T, good, bad agent.Event) {
	t.Helper()
	for _, b := range h.backups(t) {
		if want := map[string]int64{good.BackupID: 0, bad.BackupID: 1}[b.ID]; b.Pages == nil || b.Pages.Damaged != want {
			t.Errorf("backups: %s: %+v", b.ID, b.Pages)
		}
	}
	table := drydock(t, h.args("backups", "--file", h.job)...).want(t, exitDone).stdout
	if strings.Count(table, "1 DAMAGED") != 1 {
		t.Errorf("backups:\n%s", table)
	}
	if runs := drydock(t, h.args("runs", "--file", h.job)...).want(t, exitDone).stdout; strings.Count(runs, "damaged") == 0 {
		t.Errorf("runs:\n%s", runs)
	}
	drydock(t, h.args("verify", good.BackupID)...).want(t, exitDone)
	r := drydock(t, h.args("verify", bad.BackupID)...).want(t, exitDamage)
	if r.says(t, "the database has damaged pages: 1 in 1 files"); !strings.Contains(r.stdout, "every digest is right") {
		t.Errorf("verify:\n%s", r.stdout)
	}
	deep := drydock(t, h.args("verify", bad.BackupID, "--deep")...).want(t, exitDamage)
	if !strings.Contains(deep.stdout, `damaged before the backup was made: "shop/big.ibd" page 70`) {
		t.Errorf("verify --deep:\n%s", deep.stdout)
	}
	to := filepath.Join(h.dir, "restored-damaged")
	r = drydock(t, h.args("restore", bad.BackupID, "--to", to)...).want(t, exitDone)
	r.says(t, "the database has damaged pages: 1 in 1 files")
	was, now := readFile(t, filepath.Join(h.server.DataDir, "shop", "big.ibd")), readFile(t, filepath.Join(to, "shop", "big.ibd"))
	const from, end = damagedPage * 16 << 10, (damagedPage + 1) * 16 << 10
	if !slices.Equal(was[from:end], now[from:end]) {
		t.Error("the damaged page is not restored as it was")
	}
}

// damagedSince flips a bit of both artifacts.
func (h *site) damagedSince(t *testing.T, good, bad agent.Event) {
	t.Helper()
	for _, e := range []agent.Event{good, bad} {
		file := filepath.Join(h.target, filepath.FromSlash(e.Key))
		flipBit(t, file, e.ArtifactBytes/2)
		rep := h.verifyReport(t, exitDamage, e.BackupID, "--deep")
		hit := slices.ContainsFunc(rep.Damaged, func(d archive.Damage) bool { return d.Path == "shop/big.ibd" })
		before := e.BackupID == bad.BackupID && !hit // of a file that is altered nothing is said about its pages
		if len(rep.Damaged) == 0 || (len(rep.DamagedPages) > 0) != before {
			t.Errorf("%s: damaged since %+v, before %+v", e.BackupID, rep.Damaged, rep.DamagedPages)
		}
		flipBit(t, file, e.ArtifactBytes/2)
	}
}

// S2, R5.2: that the database is damaged is not forgotten while the artifact waits for a target, in another process and in
// the manifest that is written then.
func TestDamagedDatabaseResumed(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: 2})
	s.Stop(t)
	flipBit(t, filepath.Join(s.DataDir, "shop", "big.ibd"), damagedPage*16<<10+9000)
	s.Start(t)
	h := newSite(t, s)
	away := filepath.Join(h.dir, "away")
	h.writeJob(t, jobText{Target: twoFiles(h.target, "away", away), Extra: fmt.Sprintf("encrypt {\n    passphrase = file(%q)\n  }", passphraseFile(t, h.dir))})
	tmpfs(t, away, "1m") // too small: this target fails in mid-transfer
	e, r := h.run(t, exitDamage)
	if r.says(t, "stored, but not everywhere", "the database has damaged pages"); e.Status != agent.StatusPartial {
		t.Errorf("finished: %+v", e.Outcome)
	}
	if err := unix.Unmount(away, 0); err != nil {
		t.Fatal(err)
	}
	drydock(t, h.args("resume", e.Run)...).want(t, exitDamage).says(t, "the database has damaged pages: 1 in 1 files")
	for _, target := range []string{"nas", "away"} {
		rep := h.verifyReport(t, exitDamage, e.BackupID, "--target", target, "--deep")
		if len(rep.Damaged) != 0 || rep.Pages.Damaged != 1 {
			t.Errorf("at %s: %+v", target, rep)
		}
	}
}
