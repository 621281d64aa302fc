//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// S2: what cannot be read for a reason has a clear error that says what to do, in backups, verify and restore, and nothing is
// restored.
func TestUnreadableBackups(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{Rows: 20})
	h := newSite(t, s)
	older, _ := h.run(t, exitDone)
	newer, _ := h.run(t, exitDone)
	file := filepath.Join(h.target, filepath.FromSlash(newer.Key))
	const suffix = ".manifest.json"
	for _, tc := range []struct {
		name                   string
		spoil                  func(t *testing.T)
		listed                 string // in drydock backups; empty: the backup is not listed
		verify, deep, restored int    // exit codes
		deepOnly               bool   // verify alone has nothing to say
		says                   []string
	}{
		{"cut short", func(t *testing.T) { truncate(t, file, newer.ArtifactBytes-100_000) },
			"DAMAGED: ", exitDamage, exitDamage, exitDamage, false,
			[]string{"its manifest says", "--target chooses one", "earlier backups"}},
		{"no manifest", func(t *testing.T) { remove(t, file+suffix) },
			"", exitFailed, exitFailed, exitFailed, false,
			[]string{"no such backup", newer.Key, "artifacts without a manifest", "no backup", "by hand"}},
		{"no artifact", func(t *testing.T) { remove(t, file) },
			"DAMAGED: ", exitDamage, exitDamage, exitDamage, false, []string{"is missing", "earlier backups"}},
		{"a newer manifest", func(t *testing.T) { editManifest(t, file+suffix, "version", 3) },
			"NEWER FORMAT: " + newer.BackupID, exitFailed, exitFailed, exitFailed, false,
			[]string{"newer format", "version 3", "later drydock"}},
		{"a manifest that is none", func(t *testing.T) { truncate(t, file+suffix, 20) },
			"DAMAGED: ", exitFailed, exitFailed, exitFailed, false, []string{"no such backup", "cannot be read", newer.Key}},
		{"a compressor that is not installed", func(t *testing.T) { editManifest(t, file+suffix, "compressor", "lz9") },
			newer.BackupID, exitDone, exitFailed, exitFailed, true,
			[]string{`compressed with "lz9", which is not installed here`, "drydock-compress-lz9", "drydock plugin lock compress lz9"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			whole, manifest := readFile(t, file), readFile(t, file+suffix)
			tc.spoil(t)
			defer rewrite(t, file, whole)
			defer rewrite(t, file+suffix, manifest)
			list := drydock(t, h.args("backups", "--file", h.job)...).want(t, exitDone).stdout
			if !strings.Contains(list, older.BackupID) || strings.Contains(list, newer.Key) != (tc.listed != "") ||
				!strings.Contains(list, tc.listed) {
				t.Errorf("backups:\n%s", list)
			}
			to := filepath.Join(t.TempDir(), "restored")
			verify := drydock(t, h.args("verify", newer.BackupID)...).want(t, tc.verify)
			if !tc.deepOnly {
				wantSaid(t, verify, tc.says...)
			}
			wantSaid(t, drydock(t, h.args("verify", newer.BackupID, "--deep")...).want(t, tc.deep), tc.says...)
			wantSaid(t, drydock(t, h.args("restore", newer.BackupID, "--to", to)...).want(t, tc.restored), tc.says...)
			if _, err := os.Stat(to); err == nil {
				t.Error("something was restored")
			}
		})
	}
	h.wantRestored(t, newer.BackupID, s.Checksums(t)) // it is as it was
}

// S1: a sealed artifact of a newer format is named as that, not as damaged, as long as nobody asks for its digests.
func TestNewerSeal(t *testing.T) {
	t.Parallel()
	h := newSite(t, testenv.MySQL(t))
	h.writeJob(t, jobText{Extra: fmt.Sprintf("encrypt {\n    passphrase = file(%q)\n  }", passphraseFile(t, h.dir))})
	e, _ := h.run(t, exitDone)
	file := filepath.Join(h.target, filepath.FromSlash(e.Key))
	data := readFile(t, file)
	data[11] = 2 // the version in its header
	rewrite(t, file, data)
	drydock(t, h.args("verify", e.BackupID)...).want(t, exitDamage)
	to := filepath.Join(h.dir, "restored")
	r := drydock(t, h.args("restore", e.BackupID, "--to", to)...).want(t, exitFailed)
	r.says(t, "newer version", "format 2", "later version of drydock")
	drydock(t, "open", file, "--output", to, "--passphrase-file", passphraseFile(t, h.dir)).want(t, exitFailed).says(t, "newer version")
	if _, err := os.Stat(to); err == nil {
		t.Error("something was restored")
	}
}

// A copy that is damaged is passed over where another target has a sound one.
func TestTheSoundCopyIsChosen(t *testing.T) {
	t.Parallel()
	h := newSite(t, testenv.MySQL(t))
	second := filepath.Join(h.dir, "second")
	if err := os.Mkdir(second, 0o700); err != nil {
		t.Fatal(err)
	}
	h.writeJob(t, jobText{Target: twoFiles(h.target, "other", second)})
	e, _ := h.run(t, exitDone)
	truncate(t, filepath.Join(h.target, filepath.FromSlash(e.Key)), 5000)
	for _, id := range []string{e.BackupID, agent.Latest} {
		if rep := h.verifyReport(t, exitDone, id, "--deep"); rep.Target != "other" {
			t.Errorf("%s: read from %q", id, rep.Target)
		}
	}
	h.verifyReport(t, exitDamage, e.BackupID, "--target", "nas")
}

// wantSaid looks for texts in all that was printed.
func wantSaid(t *testing.T, r result, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.stdout+r.stderr, text) {
			t.Errorf("nothing says %q:\n%s%s", text, r.stdout, r.stderr)
		}
	}
}

func truncate(t *testing.T, file string, size int64) {
	t.Helper()
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

func rewrite(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// editManifest changes one field of a manifest.
func editManifest(t *testing.T, file, field string, value any) {
	t.Helper()
	rewrite(t, file, edited(t, readFile(t, file), func(m map[string]any) { m[field] = value }))
}
