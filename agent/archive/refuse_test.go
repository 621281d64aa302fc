//go:build unix

package archive_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// refusals are things that cannot be archived; what Scan lists and why Write fails.
func refusals() map[string]struct {
	build func(t *testing.T, root string) archive.Options
	path  string // "" when it is outside
	want  string
} {
	type refusal = struct {
		build func(t *testing.T, root string) archive.Options
		path  string
		want  string
	}
	none := archive.Options{}
	return map[string]refusal{
		"socket": {func(t *testing.T, root string) archive.Options { socket(t, filepath.Join(root, "s")); return none },
			"s", "is a socket"},
		"fifo": {func(t *testing.T, root string) archive.Options { fifo(t, filepath.Join(root, "p")); return none },
			"p", "is a fifo"},
		"device link": {func(t *testing.T, root string) archive.Options { link(t, root, "null", "/dev/null"); return none },
			"null", "is a device"},
		"dangling link outside": {func(t *testing.T, root string) archive.Options { link(t, root, "l", "/not/there"); return none },
			"l", "which does not exist"},
		"link in a circle": {func(t *testing.T, root string) archive.Options { link(t, root, "l", "l"); return none },
			"l", "leads nowhere"},
		"link to what holds it": {func(t *testing.T, root string) archive.Options { link(t, root, "l", ".."); return none },
			"l", "which holds"},
		"reserved name": {func(t *testing.T, root string) archive.Options { put(t, root, ".drydock/x", nil); return none },
			".drydock", "reserves for itself"},
		"unfinished restore": {func(t *testing.T, root string) archive.Options {
			put(t, root, ".drydock-incomplete", nil)
			return none
		}, ".drydock-incomplete", "unfinished restore"},
		"outside path is missing": {func(*testing.T, string) archive.Options {
			return archive.Options{OutsidePaths: []string{"/not/there.ibd"}}
		}, "/not/there.ibd", "does not exist"},
		"outside path holds the data directory": {func(_ *testing.T, root string) archive.Options {
			return archive.Options{OutsidePaths: []string{filepath.Dir(root)}}
		}, "", "holds the data directory"},
		"outside path is relative": {func(*testing.T, string) archive.Options {
			return archive.Options{OutsidePaths: []string{"x"}}
		}, "x", "is not an absolute path"},
		"keyring to archive is missing": {func(*testing.T, string) archive.Options {
			return archive.Options{KeyringFiles: []string{"/not/there"}, IncludeKeyring: true}
		}, "/not/there", "does not exist"},
		"link to what holds another link's directory": {func(t *testing.T, root string) archive.Options {
			other := t.TempDir()
			makeDir(t, other, "in/it")
			link(t, root, "l1", filepath.Join(other, "in"))
			link(t, root, "l2", other)
			return none
		}, "l2", "archived already"},
	}
}

func socket(t *testing.T, p string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
}

func fifo(t *testing.T, p string) {
	t.Helper()
	if err := syscall.Mkfifo(p, 0o600); err != nil {
		t.Fatal(err)
	}
}

// shortDir is a directory whose path leaves room for the name of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestRefused(t *testing.T) {
	for name, test := range refusals() {
		t.Run(name, func(t *testing.T) {
			root := shortDir(t)
			put(t, root, "ibdata1", pages(100))
			o := test.build(t, root)
			o.Root, o.Scratch = root, t.TempDir()
			inv, err := archive.Scan(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if len(inv.Refused) != 1 || test.path != "" && inv.Refused[0].Path != test.path ||
				!strings.Contains(inv.Refused[0].Reason, test.want) || inv.Refused[0].Hint == "" {
				t.Errorf("Scan refuses %+v, want %q: %q", inv.Refused, test.path, test.want)
			}
			written := &countingWriter{}
			_, err = archive.Write(t.Context(), written, newFrames(t, "zstd", frameSize, 2), o)
			var refused *archive.RefusedError
			if !errors.As(err, &refused) || len(refused.Refused) != 1 || !errs.Is(err, errs.Invalid) || written.n != 0 {
				t.Errorf("Write: %v, wrote %d bytes", err, written.n)
			}
		})
	}
}

type countingWriter struct{ n int }

func (w *countingWriter) Write(p []byte) (int, error) { w.n += len(p); return len(p), nil }

func TestEverythingRefusedIsNamedAtOnce(t *testing.T) {
	root := shortDir(t)
	socket(t, filepath.Join(root, "one"))
	fifo(t, filepath.Join(root, "two"))
	link(t, root, "three", "/not/there")
	_, err := archive.Write(t.Context(), io.Discard, newFrames(t, "zstd", frameSize, 2), archive.Options{Root: root})
	for _, want := range []string{`"one" is a socket`, `"two" is a fifo`, `"three" is a symlink to /not/there`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
}
