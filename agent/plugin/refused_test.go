//go:build linux

package plugin_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/plugin"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// refusal is a way not to be started.
type refusal struct {
	name   string
	change func(t *testing.T, s *shop)
	want   string // in the error
	hint   string // in the hint
}

func refusals() []refusal {
	chmod := func(path func(*shop) string, mode os.FileMode) func(*testing.T, *shop) {
		return func(t *testing.T, s *shop) { must(t, os.Chmod(path(s), mode)) }
	}
	dir := func(s *shop) string { return s.dir }
	file := func(s *shop) string { return s.path }
	parent := func(s *shop) string { return filepath.Dir(s.dir) }
	return []refusal{
		{"not pinned", func(_ *testing.T, s *shop) { s.options.Pins = nil },
			"drydock-storage-sftp is not pinned: /etc/drydock/drydock.lock.hcl has no entry", "drydock plugin lock storage sftp"},
		{"not pinned, not required", func(_ *testing.T, s *shop) { s.options.Pins, s.options.Requirements = nil, nil },
			"is not pinned", "drydock plugin lock storage sftp"},
		{"changed", func(t *testing.T, s *shop) { s.install(t, s.path, "sftp", "1.2.4") },
			"has changed: its SHA-256 is", "find out who changed it"},
		{"directory for the world", chmod(dir, 0o777), "plugins can be written by others (drwxrwxrwx)", "chmod go-w /"},
		{"directory for a group", chmod(dir, 0o775), "plugins can be written by others (drwxrwxr-x)", "chmod go-w /"},
		{"sticky directory", chmod(dir, 0o777|os.ModeSticky), "plugins can be written by others (dtrwxrwxrwx)", "chmod go-w /"},
		{"parent for the world", chmod(parent, 0o757), "can be written by others (drwxr-xrwx)", "chmod go-w /"},
		{"file for the world", chmod(file, 0o757), "sftp can be written by others (-rwxr-xrwx)", "chmod go-w /"},
		{"file for a group", chmod(file, 0o775), "sftp can be written by others (-rwxrwxr-x)", "chmod go-w /"},
		{"not executable", chmod(file, 0o644), "sftp is not executable", "chmod 0755 /"},
		{"link that leaves", func(t *testing.T, s *shop) {
			outside := filepath.Join(filepath.Dir(s.dir), "sftp")
			must(t, errors.Join(os.Rename(s.path, outside), os.Symlink(outside, s.path)))
		}, "is a link to ", "a link may only lead to a file in it"},
		{"link that climbs", func(t *testing.T, s *shop) {
			must(t, errors.Join(os.Rename(s.path, s.dir+"-sftp"), os.Symlink("../plugins-sftp", s.path)))
		}, "outside of the plugin directory", "copy the executable"},
		{"directory through a writable one", func(t *testing.T, s *shop) {
			open := filepath.Join(t.TempDir(), "open")
			must(t, errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777), os.Symlink(s.dir, filepath.Join(open, "link"))))
			s.options.PluginDir = filepath.Join(open, "link")
		}, "open can be written by others", "chmod go-w /"},
		{"pipe", func(t *testing.T, s *shop) {
			must(t, errors.Join(os.Remove(s.path), syscall.Mkfifo(s.path, 0o755)))
		}, "is not a regular file", "install an executable"},
		{"gone", func(t *testing.T, s *shop) { must(t, os.Remove(s.path)) }, "there is no /", "install it there"},
		{"no directory", func(t *testing.T, s *shop) { s.options.PluginDir = "" }, "no plugin directory is set", "--plugin-dir"},
		{"relative directory", func(t *testing.T, s *shop) {
			t.Chdir(filepath.Dir(s.dir))
			s.options.PluginDir = "plugins"
		}, "is a relative path", "from the root on"},
		{"directory is a file", func(t *testing.T, s *shop) { s.options.PluginDir = s.path }, "not a directory", ""},
		{"version below", func(_ *testing.T, s *shop) { s.options.Requirements[0].Constraint = "~> 1.3" },
			`its version 1.2.3 is outside of the constraint "~> 1.3"`, "install a version that fits"},
		{"version above", func(_ *testing.T, s *shop) { s.options.Requirements[0].Constraint = "< 1.2.3" },
			"is outside", "install a version"},
		{"constraint", func(_ *testing.T, s *shop) { s.options.Requirements[0].Constraint = "new" }, `"new"`, "correct its plugin block"},
		{"version is no number", func(_ *testing.T, s *shop) { s.options.Pins[0].Version = "latest" },
			`"latest" is no number`, "numbered versions"},
		{"version was edited", func(_ *testing.T, s *shop) { s.options.Pins[0].Version = "1.2.9" },
			`it calls its version "1.2.3", pinned is "1.2.9"`, "edited the lock file"},
	}
}

// TestRefused holds every way not to be started against what is said about it. But for the last, whose answer is only
// known when it is asked, the provider is never run; and no process is left.
func TestRefused(t *testing.T) {
	list := refusals()
	if os.Getuid() == 0 {
		list = append(list,
			refusal{"owner of the file", func(t *testing.T, s *shop) { must(t, os.Chown(s.path, 4321, 0)) },
				"sftp belongs to user 4321", "chown root /"},
			refusal{"owner of the directory", func(t *testing.T, s *shop) { must(t, os.Chown(s.dir, 4321, 0)) },
				"plugins belongs to user 4321", "chown root /"},
		)
	}
	for _, tt := range list {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t)
			tt.change(t, s)
			h := s.host(t)
			_, err := h.Storage(t.Context(), sftp())
			wantRefused(t, err, tt.want, tt.hint)
			if _, again := h.Schema(t.Context(), "storage", "sftp"); again == nil || again.Error() != err.Error() {
				t.Errorf("schema: %v", again)
			}
			edited := tt.name == "version was edited"
			if tt.name == "not pinned, not required" {
				s.options.Requirements = []plugin.Requirement{{Kind: "storage", Name: "sftp", Constraint: ">= 0"}} // to be listed
			}
			if l := listing(t, s.options, "sftp"); (l.Err == nil) != edited || (l.Err != nil && l.Err.Error() != err.Error()) {
				t.Errorf("listed with %v", l.Err)
			}
			if n := s.runs(t); n > 0 && !edited {
				t.Errorf("it was run %d times", n)
			}
			waitFor(t, "no process is left", func() bool { return len(h.Processes()) == 0 })
		})
	}
}

func wantRefused(t *testing.T, err error, want, hint string) {
	t.Helper()
	var refused *plugin.RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("not refused: %v", err)
	}
	if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `storage provider "`) {
		t.Errorf("error %q\nlacks %q", err, want)
	}
	if !strings.Contains(refused.Hint(), hint) || refused.Hint() == "" {
		t.Errorf("hint %q\nlacks %q", refused.Hint(), hint)
	}
}

func listing(t *testing.T, o plugin.Options, name string) plugin.Listing {
	t.Helper()
	for _, l := range plugin.List(o) {
		if l.Name == name {
			return l
		}
	}
	t.Fatalf("%s is not listed", name)
	return plugin.Listing{}
}

// TestShadow refuses a built-in name that the plugin directory has too, and never runs what is there.
func TestShadow(t *testing.T) {
	s := newShop(t)
	s.install(t, filepath.Join(s.dir, "drydock-storage-dir"), "dir", "9.9.9")
	s.options.Pins = append(s.options.Pins, plugin.Pin{Kind: "storage", Name: "dir", Version: "9.9.9",
		SHA256: sum(t, filepath.Join(s.dir, "drydock-storage-dir"))})
	h := s.host(t)
	for _, try := range []func() error{
		func() error { _, err := h.Storage(t.Context(), target("/etc", "nas")); return err },
		func() error { _, err := h.Schema(t.Context(), "storage", "dir"); return err },
		func() error { return listing(t, s.options, "dir").Err },
	} {
		wantRefused(t, try(), "it is built in, but "+s.dir+"/drydock-storage-dir has its name", "built-in providers cannot be replaced")
	}
	_, err := h.Pin(t.Context(), "storage", "dir")
	wantRefused(t, err, "it is built in, so there is nothing to pin", "third-party")
	if n := s.runs(t); n > 0 {
		t.Errorf("it was run %d times", n)
	}
	if err := os.Remove(filepath.Join(s.dir, "drydock-storage-dir")); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Storage(t.Context(), target("/etc", "nas")); err != nil {
		t.Errorf("without the shadow: %v", err)
	}
}

// TestUnknown: names that nobody has, and names that would lead out of the plugin directory, are not known.
func TestUnknown(t *testing.T) {
	s := newShop(t)
	h := s.host(t)
	for _, name := range []string{"dav", "../plugins/drydock-storage-sftp", "", ".", "SFTP", "sftp\x00", strings.Repeat("a", 200)} {
		_, err := h.Schema(t.Context(), "storage", name)
		var unknown *plugin.UnknownProviderError
		if !errors.As(err, &unknown) {
			t.Errorf("%q: %v", name, err)
		} else if diff := cmp.Diff([]string{"dir", "sftp"}, unknown.Known); diff != "" {
			t.Error(diff)
		}
		if _, err := h.Pin(t.Context(), "storage", name); err == nil {
			t.Errorf("%q is pinned", name)
		}
	}
	var unknown *schema.UnknownProviderError
	if _, err := h.Schema(t.Context(), "target", "sftp"); !errors.As(err, &unknown) {
		t.Errorf("kind: %v", err)
	}
}

// TestTrust follows paths. Whoever runs the test owns what it makes, so the user is another one where owners matter.
func TestTrust(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	must(t, os.Symlink("../"+filepath.Base(dir)+"/./file", filepath.Join(dir, "link")))
	uid := os.Getuid()
	if got, err := plugin.TrustedBy(filepath.Join(dir, "link"), uid); err != nil || got != file {
		t.Errorf("link: %q, %v", got, err)
	}
	if _, err := plugin.TrustedBy(filepath.Join(dir, "loop"), uid); err == nil || !strings.Contains(err.Error(), "too many links") {
		t.Errorf("loop: %v", err)
	}
	if _, err := plugin.TrustedBy(filepath.Join(dir, "none"), uid); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	if uid == 0 {
		must(t, os.Chown(file, 77, 77))
	}
	if _, err := plugin.TrustedBy(file, 4321); err == nil || !strings.Contains(err.Error(), "belongs to user") {
		t.Errorf("owner: %v", err)
	}
	must(t, os.Chmod(file, 0o602))
	if uid == 0 {
		must(t, os.Chown(file, 0, 0))
	}
	if err := plugin.CheckTrusted(file); err == nil || !strings.Contains(err.Error(), "written by others") {
		t.Errorf("mode: %v", err)
	}
}
