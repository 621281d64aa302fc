//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

const testPassphrase = "correct horse battery staple 4711"

// keyFile makes a key pair and returns the file of the secret key, the public key and the secret.
func keyFile(t *testing.T, dir string) (file, public, secret string) {
	t.Helper()
	file = filepath.Join(dir, "key-"+fmt.Sprint(len(t.Name()))+".txt")
	public = strings.TrimSpace(drydock(t, "keygen", "--output", file).want(t, exitDone).stdout)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info.Mode(), err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return file, public, lines[len(lines)-1]
}

// passphraseFile writes the passphrase where a job or a flag can name it.
func passphraseFile(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(file, []byte(testPassphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// S1, S2: an encrypted job end to end, opened by the passphrase of the job, by a key, by nobody else; and nowhere is a
// secret left.
func TestEncryptedJob(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: megabytes(20)})
	before := s.Checksums(t)
	h := newSite(t, s)
	key, public, secret := keyFile(t, h.dir)
	stranger, _, _ := keyFile(t, t.TempDir())
	both := fmt.Sprintf("encrypt {\n    passphrase = file(%q)\n    recipients = [%q]\n  }", passphraseFile(t, h.dir), public)
	h.writeJob(t, jobText{Extra: both})

	if p := h.plan(t); !strings.HasSuffix(p.Key, "/Data.zip.sealed") || len(p.SealedFor) != 2 || p.SealedFor[0] != "passphrase" ||
		p.SealedFor[1] != public {
		t.Errorf("plan: %+v", p)
	}
	e, r := h.run(t, exitDone)
	list := h.backups(t)
	if len(list) != 1 || !list[0].Sealed || !strings.HasSuffix(list[0].Key, "/Data.zip.sealed") || list[0].Bytes != e.ArtifactBytes {
		t.Fatalf("backups: %+v", list)
	}
	h.wantRestored(t, e.BackupID, before) // by the passphrase in the job file

	// A host that knows only the public key opens nothing.
	h.writeJob(t, jobText{Extra: fmt.Sprintf("encrypt {\n    recipients = [%q]\n  }", public)})
	drydock(t, h.args("verify", "latest")...).want(t, exitDone)
	drydock(t, h.args("verify", "latest", "--deep")...).want(t, exitFailed).says(t, "none of the given keys", "--identity")
	to := filepath.Join(h.dir, "restored")
	drydock(t, h.args("restore", "latest", "--to", to, "--identity", stranger)...).want(t, exitFailed).says(t, "none of the given keys")
	if _, err := os.Stat(to); err == nil {
		t.Error("a restore that could not open the backup left a directory")
	}
	drydock(t, h.args("verify", "latest", "--deep", "--identity", key)...).want(t, exitDone)
	drydock(t, h.args("restore", "latest", "--to", to, "--passphrase-file", passphraseFile(t, h.dir))...).want(t, exitDone)
	second := s.OnDataDir(t, to)
	second.Start(t)
	if d := cmp.Diff(before, second.Checksums(t)); d != "" {
		t.Errorf("tables of the restored server: %s", d)
	}

	// By hand.
	sealed := filepath.Join(h.target, filepath.FromSlash(list[0].Key))
	zip := filepath.Join(h.dir, "by-hand.zip")
	drydock(t, "open", sealed, "--output", zip, "--identity", key).want(t, exitDone)
	wantZip(t, "7zz", "t", zip)

	wantNoSecret(t, h.dir, r.stdout+r.stderr, map[string]bool{"passphrase": true, filepath.Base(key): true}, testPassphrase, secret)
}

// wantNoSecret searches every file below dir, and what was printed, save the files that are meant to hold a secret.
func wantNoSecret(t *testing.T, dir, printed string, save map[string]bool, secrets ...string) {
	t.Helper()
	search := func(where string, data []byte) {
		for _, s := range secrets {
			if bytes.Contains(data, []byte(s)) {
				t.Errorf("%s holds a secret", where)
			}
		}
	}
	search("the output", []byte(printed))
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || save[d.Name()] {
			return err
		}
		data, err := os.ReadFile(path)
		files++
		search(path, data)
		return err
	})
	if err != nil || files < 5 {
		t.Fatalf("searched %d files: %v", files, err)
	}
}

// R5.2: an encrypted artifact that waits is shipped by another process, which does not have its key.
func TestEncryptedJobResumed(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: 1})
	before := s.Checksums(t)
	h := newSite(t, s)
	away := filepath.Join(h.dir, "away")
	h.writeJob(t, jobText{Target: fmt.Sprintf("target \"file\" \"nas\" {\n    path = %q\n  }\n  target \"file\" \"away\" {\n    path = %q\n  }",
		h.target, away), Extra: fmt.Sprintf("encrypt {\n    passphrase = file(%q)\n  }", passphraseFile(t, h.dir))})
	if err := os.Mkdir(away, 0o700); err != nil {
		t.Fatal(err)
	}
	tmpfs(t, away, "1m") // too small: this target fails in mid-transfer
	e, _ := h.run(t, exitPartial)
	if err := syscall.Unmount(away, 0); err != nil {
		t.Fatal(err)
	}
	drydock(t, h.args("resume", e.Run)...).want(t, exitDone)
	drydock(t, h.args("verify", e.BackupID, "--target", "away", "--deep")...).want(t, exitDone)
	h.wantRestored(t, e.BackupID, before)
}

// S1, S2: whatever somebody does to what a target stores, with no key: it is noticed, and nothing is restored.
func TestEncryptedJobTampered(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	h := newSite(t, s)
	h.writeJob(t, jobText{Extra: fmt.Sprintf("encrypt {\n    passphrase = file(%q)\n  }", passphraseFile(t, h.dir))})
	first, _ := h.run(t, exitDone)
	second, _ := h.run(t, exitDone)
	path := func(e agent.Event) string { return filepath.Join(h.target, filepath.FromSlash(e.Key)) }
	const suffix = ".manifest.json"
	original, err := os.ReadFile(path(second))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile(path(second) + suffix)
	if err != nil {
		t.Fatal(err)
	}
	put := func(t *testing.T, file string, data []byte) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tamper := range map[string]func(t *testing.T){
		"a flipped bit": func(t *testing.T) {
			bad := bytes.Clone(original)
			bad[len(bad)/2] ^= 1
			put(t, path(second), bad)
		},
		"cut": func(t *testing.T) { put(t, path(second), original[:len(original)-100]) },
		"the content of another backup": func(t *testing.T) {
			other, err := os.ReadFile(path(first))
			if err != nil {
				t.Fatal(err)
			}
			put(t, path(second), other)
		},
		"a manifest that says otherwise": func(t *testing.T) {
			put(t, path(second)+suffix, edited(t, manifest, func(m map[string]any) { m["created"] = "2020-01-01T00:00:00Z" }))
		},
		"a manifest that says it is not sealed": func(t *testing.T) {
			put(t, path(second)+suffix, edited(t, manifest, func(m map[string]any) { m["sealed"] = false; delete(m, "mac") }))
		},
		"the manifest of another backup": func(t *testing.T) {
			put(t, path(second)+suffix, edited(t, readFile(t, path(first)+suffix), func(m map[string]any) {
				m["key"], m["backup"] = second.Key, second.BackupID
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			tamper(t)
			defer put(t, path(second), original)
			defer put(t, path(second)+suffix, manifest)
			to := filepath.Join(t.TempDir(), "restored")
			for _, args := range [][]string{{"verify", second.BackupID, "--deep"}, {"restore", second.BackupID, "--to", to}} {
				if r := drydock(t, h.args(append(args, "--file", h.job)...)...); r.code == exitDone {
					t.Errorf("%s: exit code 0\n%s", args[0], r.stdout)
				}
			}
			// What was proven before the damage was met may stay, in a directory that says that it is not whole.
			if len(visible(t, filepath.Dir(to))) > 0 {
				if _, err := os.Stat(filepath.Join(to, ".drydock-incomplete")); err != nil {
					t.Errorf("the restore left a directory that does not say that it is incomplete: %v", err)
				}
			}
		})
	}
	drydock(t, h.args("verify", second.BackupID, "--deep")...).want(t, exitDone) // it is as it was
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// edited changes a JSON object.
func edited(t *testing.T, data []byte, change func(map[string]any)) []byte {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	change(m)
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// S1: files by hand: sealed, opened, sealed for others, and every mistake with a clear error and nothing left behind.
func TestSealedFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := filepath.Join(dir, "dump.sql")
	if err := os.WriteFile(plain, bytes.Repeat([]byte("INSERT INTO t VALUES (1);\n"), 100000), 0o600); err != nil {
		t.Fatal(err)
	}
	key, public, _ := keyFile(t, dir)
	other, otherPublic, _ := keyFile(t, t.TempDir())
	pass := passphraseFile(t, dir)
	sealed, out := plain+".sealed", filepath.Join(dir, "out")
	open := func(code int, args ...string) result {
		t.Helper()
		_ = os.Remove(out)
		r := drydock(t, append([]string{"open", sealed, "--output", out}, args...)...).want(t, code)
		got, err := os.ReadFile(out)
		if code == exitDone && (err != nil || !bytes.Equal(got, readFile(t, plain))) || code != exitDone && err == nil {
			t.Errorf("open %v: %d bytes, %v", args, len(got), err)
		}
		return r
	}
	drydock(t, "seal", plain, "--recipient", public, "--passphrase-file", pass).want(t, exitDone)
	drydock(t, "seal", plain, "--recipient", public).want(t, exitFailed).says(t, "exists already")
	drydock(t, "seal", plain, "--output", out).want(t, exitUsage).says(t, "nobody could open it")
	drydock(t, "seal", plain, "--output", out, "-r", "age1x").want(t, exitUsage).says(t, "not a public key")
	open(exitDone, "--identity", key)
	open(exitDone, "--passphrase-file", pass)
	open(exitFailed, "--identity", other).says(t, "none of the given keys")
	open(exitFailed).says(t, "none of the given keys")
	open(exitUsage, "--identity", pass).says(t, "holds no secret keys")
	drydock(t, "open", plain, "--output", out).want(t, exitFailed).says(t, "not a sealed artifact")
	drydock(t, "open", plain).want(t, exitUsage).says(t, "--output")

	drydock(t, "reseal", sealed, "--recipient", otherPublic, "--identity", other).want(t, exitFailed)
	drydock(t, "reseal", sealed, "--recipient", otherPublic, "--identity", key).want(t, exitDone)
	open(exitFailed, "--identity", key, "--passphrase-file", pass)
	open(exitDone, "--identity", other)

	bad := readFile(t, sealed)
	bad[len(bad)-200] ^= 4
	if err := os.WriteFile(sealed, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	open(exitDamage, "--identity", other).says(t, "damaged")
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
