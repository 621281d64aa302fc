package hcl_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/hcl"
)

func agentLoader(t testing.TB) *hcl.Loader {
	t.Helper()
	loader := testLoader(t, map[string]string{"SPOOL": "/var/spool"})
	loader.Builtin = func(kind, name string) bool { return kind == hcl.KindStorage && name == "file" }
	return loader
}

// TestAgentFiles: what an agent file says arrives, and what it leaves out is empty.
func TestAgentFiles(t *testing.T) {
	tests := map[string]hcl.AgentFile{
		"empty": {},
		"full": {
			DataDir: "/var/lib/drydock", SpoolDir: "/var/spool/backup-host", PluginDir: "/usr/lib/drydock/plugins",
			JobsDir: "/etc/drydock/jobs.d", LogLevel: "info", LogFormat: "json",
			QueueBytes: 500 << 30, RetryMin: 30 * time.Second, RetryMax: 2 * time.Hour, Patience: 90 * time.Second,
			Plugins: []hcl.Plugin{{Kind: "storage", Name: "sftp", Constraint: "~> 1.2"},
				{Kind: "notify", Name: "sftp", Constraint: ">= 0.3, < 2, != 1.1.0"}},
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			got, diags := agentLoader(t).LoadAgentFile("testdata/agent/good/" + name + ".hcl")
			if len(diags) > 0 {
				t.Fatal(text(t, diags))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBadAgentFiles holds what is said about bad agent files against golden files (-update writes them anew).
func TestBadAgentFiles(t *testing.T) {
	badFiles(t, "testdata/agent/bad", 15, func(s hcl.Source) hcl.Diagnostics {
		_, diags := agentLoader(t).ParseAgentFile(s)
		return diags
	})
}

// TestBadLockFiles does the same for lock files, of which nothing that is wrong is kept.
func TestBadLockFiles(t *testing.T) {
	badFiles(t, "testdata/lock", 8, func(s hcl.Source) hcl.Diagnostics {
		entries, diags := hcl.ParseLockFile(s)
		if len(entries) > 1 {
			t.Errorf("%s: kept %+v", s.Name, entries)
		}
		return diags
	})
}

func badFiles(t *testing.T, dir string, least int, parse func(hcl.Source) hcl.Diagnostics) {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.hcl")
	if err != nil || len(files) < least {
		t.Fatalf("found %d bad files in %s (%v), want %d or more", len(files), dir, err, least)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".hcl"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			diags := parse(hcl.Source{Name: filepath.Base(file), Data: data})
			if !diags.HasErrors() {
				t.Fatal("no errors")
			}
			checkPositions(t, data, diags)
			golden(t, strings.TrimSuffix(file, ".hcl")+".golden", text(t, diags))
		})
	}
}

// TestUnreadableFiles: an agent file must exist once it is named; a lock file that does not exist pins nothing.
func TestUnreadableFiles(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.hcl")
	if _, diags := agentLoader(t).LoadAgentFile(none); !strings.Contains(text(t, diags), "There is no such file") {
		t.Error(text(t, diags))
	}
	if entries, diags := hcl.LoadLockFile(none); len(entries)+len(diags) > 0 {
		t.Error(entries, diags)
	}
	if _, diags := hcl.LoadLockFile(t.TempDir()); !strings.Contains(text(t, diags), "not a regular file") {
		t.Error(text(t, diags))
	}
	large := hcl.Source{Name: "a.hcl", Data: make([]byte, hcl.MaxFileSize+1)}
	if _, diags := agentLoader(t).ParseAgentFile(large); !strings.Contains(text(t, diags), "An agent file has at most 1024 KiB") {
		t.Error(text(t, diags))
	}
}

// TestWriteLockFile reads back what was written, in order, and leaves no other file behind.
func TestWriteLockFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), hcl.LockFileName)
	entries := []hcl.LockEntry{
		{Kind: "storage", Name: "sftp", Version: "1.2.3", Constraint: "~> 1.2", SHA256: [32]byte{1, 31: 0xff}},
		{Kind: "notify", Name: "x-y_1", Version: `odd "${version}" %{ if }`, SHA256: [32]byte{2}},
	}
	for range 2 { // the second replaces the first
		if err := hcl.WriteLockFile(path, entries); err != nil {
			t.Fatal(err)
		}
	}
	got, diags := hcl.LoadLockFile(path)
	if diff := cmp.Diff([]hcl.LockEntry{entries[1], entries[0]}, got); diff != "" || len(diags) > 0 {
		t.Error(diff, diags)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	hidden, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil || len(files)+len(hidden) != 1 {
		t.Errorf("files %v %v, %v", files, hidden, err)
	}
	data := hcl.FormatLockFile(entries)
	if formatted, _ := hcl.Format(data, path); string(formatted) != string(data) {
		t.Errorf("is not in canonical layout: %s", cmp.Diff(string(data), string(formatted)))
	}
	if err := hcl.WriteLockFile(filepath.Join(path, "no-directory"), entries); err == nil {
		t.Error("written into a file")
	}
}
