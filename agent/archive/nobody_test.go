//go:build unix

package archive_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/sdk/errs"
)

const (
	nobody    = 65534
	nobodyDir = "DRYDOCK_TEST_DIR"
)

// withoutRights runs the test as a user whom permissions bind: root runs it once more in a child without its rights.
// The body gets a directory that this user may write.
func withoutRights(t *testing.T, body func(t *testing.T, dir string)) {
	if os.Geteuid() != 0 {
		dir := os.Getenv(nobodyDir)
		if dir == "" {
			dir = t.TempDir()
		}
		body(t, dir)
		return
	}
	dir, err := os.MkdirTemp("", "drydock-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	binary := filepath.Join(dir, "archive.test")
	copyFile(t, os.Args[0], binary)
	for _, p := range []string{dir, binary} {
		if err := errors.Join(os.Chown(p, nobody, nobody), os.Chmod(p, 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), binary, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{nobodyDir + "=" + dir, "TMPDIR=" + dir, "HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("as nobody: %v\n%s", err, out)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o700); err != nil {
		t.Fatal(err)
	}
}

// What may not be read is named, all of it, before a byte is written; the kind is Permission.
func TestPermissions(t *testing.T) {
	withoutRights(t, func(t *testing.T, dir string) {
		root := filepath.Join(dir, "data")
		put(t, root, "ok", []byte("x"))
		put(t, root, "locked.ibd", []byte("x"))
		put(t, root, "db/in/deep", []byte("x"))
		look(t, root, "locked.ibd", 0, when)
		look(t, root, "db/in", 0, when)
		t.Cleanup(func() { look(t, root, "db/in", 0o700, when) })
		o := archive.Options{Root: root, Scratch: t.TempDir()}
		inv, err := archive.Scan(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range inv.Refused {
			if r.Kind != errs.Permission || !strings.Contains(r.Hint, filepath.Join(root, r.Path)) {
				t.Errorf("refused: %+v", r)
			}
			got = append(got, r.Path)
		}
		if diff := cmp.Diff([]string{"db/in", "locked.ibd"}, got, sorted()); diff != "" {
			t.Error(diff)
		}
		_, err = archive.Write(t.Context(), io.Discard, newFrames(t, "zstd", frameSize, 2), o)
		var refused *archive.RefusedError
		if !errs.Is(err, errs.Permission) || !errors.As(err, &refused) || !strings.Contains(err.Error(), `"locked.ibd"`) {
			t.Errorf("Write: %v", err)
		}
		if _, err := archive.Scan(t.Context(), archive.Options{Root: filepath.Join(root, "db/in/x")}); !errs.Is(err, errs.Permission) {
			t.Errorf("data directory out of reach: %v", err)
		}
	})
}

// Without root, all but the owners comes back, also into directories that may not be written afterwards.
func TestRestoreAsNobody(t *testing.T) {
	withoutRights(t, func(t *testing.T, dir string) {
		f := newForgedOwners(t)
		to := filepath.Join(dir, "to")
		if _, err := archive.Restore(t.Context(), f, nil, archive.RestoreOptions{To: to}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { look(t, to, "d", 0o700, when) })
		for name, want := range map[string]os.FileMode{"d": os.ModeDir | 0o500, "d/f": 0o400, "f": 0} {
			info, err := os.Lstat(filepath.Join(to, name))
			if err != nil || info.Mode() != want || info.ModTime().Unix() != 1000 {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
		_, err := archive.Restore(t.Context(), f, nil, archive.RestoreOptions{To: filepath.Join(dir, "owned"), Owner: true})
		if !errs.Is(err, errs.Permission) {
			t.Errorf("owners without the right to: %v", err)
		}
		if _, err := archive.Restore(t.Context(), f, nil, archive.RestoreOptions{To: "/proc/no"}); err == nil {
			t.Error("restore into /proc worked")
		}
	})
}
