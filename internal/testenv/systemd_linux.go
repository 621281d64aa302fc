package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// Systemd boots a systemd to its basic target and waits for its D-Bus; that takes about a second. Units that are
// enabled on this machine are not started. It takes root. One runs at a time, for they would share control groups;
// test processes wait for one another.
func Systemd(t testing.TB) *SystemdHost {
	t.Helper()
	if pkgs := install.Missing(install.Systemd); len(pkgs) > 0 {
		t.Fatalf("a real systemd needs %s; install it with: %s", strings.Join(pkgs, ", "), install.Command(install.Systemd))
	}
	if os.Geteuid() != 0 {
		t.Fatal("a real systemd in a container needs root: run this test as root")
	}
	cache := onlyOne(t)
	dir := scratch(t, "")
	h := &SystemdHost{Share: filepath.Join(dir, "share"), root: filepath.Join(dir, "root")}
	h.Bus = "unix:path=" + filepath.Join(h.Share, "bus")
	t.Cleanup(func() { removeGroups(t) })
	if err := h.prepare(dir); err != nil {
		t.Fatalf("prepare systemd: %v", err)
	}
	h.boot(t, dir, cache)
	return h
}

// onlyOne waits for its turn, and returns the cache directory, which the container has to see.
func onlyOne(t testing.TB) (cache string) {
	t.Helper()
	cache, err := install.Cache()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := flock.New(filepath.Join(cache, "one-systemd.lock"))
	if ok, err := l.TryLockContext(ctx, 50*time.Millisecond); err != nil || !ok {
		t.Fatalf("wait for another test's systemd: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return cache
}

// prepare mounts the overlay and opens the bus to the outside.
func (h *SystemdHost) prepare(dir string) error {
	upper, work := filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	for _, d := range []string{upper, work, h.root, h.Share} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=/,upperdir=%s,workdir=%s", upper, work)
	if err := syscall.Mount("overlay", h.root, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount overlay: %w", err)
	}
	if err := os.WriteFile(filepath.Join(h.root, "etc", "machine-id"), nil, 0o444); err != nil {
		return err
	}
	share := "[Socket]\nListenStream=" + filepath.Join(h.Share, "bus") + "\n"
	return h.write("dbus.socket.d/share.conf", share)
}

// write puts a file below /etc/systemd/system. A file of this machine's own is replaced, not followed: it may be a
// symbolic link.
func (h *SystemdHost) write(name, text string) error {
	path := filepath.Join(h.root, "etc", "systemd", "system", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func (h *SystemdHost) boot(t testing.TB, dir, cache string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "systemd-nspawn", "-q", "--register=no", "--keep-unit",
		"-M", filepath.Base(dir), "-D", h.root, "--bind="+h.Share, "--bind-ro="+cache, "--resolv-conf=off", "--timezone=off",
		"--boot", "systemd.unit=basic.target", "systemd.wants=dbus.service", "drydock.dir="+dir+"/") // the last is for the reaper
	detach(cmd)
	cmd.Stdout, cmd.Stderr = log, log
	err = cmd.Start()
	_ = log.Close() // the container has its own descriptor
	if err != nil {
		t.Fatalf("start systemd: %v", err)
	}
	t.Cleanup(func() {
		if h.leader > 0 {
			_ = syscall.Kill(h.leader, syscall.SIGKILL) // the kernel ends the rest with its PID 1
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if err := syscall.Unmount(h.root, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", h.root, err)
		}
	})
	for deadline := time.Now().Add(patience); !h.up(cmd.Process.Pid); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) || !alive(cmd.Process.Pid) {
			b, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("systemd does not come up:\n%s", b)
		}
	}
}

// up reports whether systemd answers on its bus and has nothing left to do.
func (h *SystemdHost) up(nspawn int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", nspawn, nspawn))
	if err != nil {
		return false
	}
	children := strings.Fields(string(b))
	if len(children) == 0 {
		return false
	}
	if h.leader, err = strconv.Atoi(children[0]); err != nil {
		return false
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(context.Background(), "unix", strings.TrimPrefix(h.Bus, "unix:path="))
	if err != nil {
		return false
	}
	_ = conn.Close()
	out, _ := h.systemctl(context.Background(), "is-system-running") // degraded is an exit status
	return strings.HasPrefix(out, "running") || strings.HasPrefix(out, "degraded")
}

func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// removeGroups removes the control groups that the container leaves behind, as soon as its processes are gone.
func removeGroups(t testing.TB) {
	var tops []string
	for _, name := range []string{"*/payload", "*/supervisor", "payload", "supervisor"} {
		found, err := filepath.Glob("/sys/fs/cgroup/" + name)
		if err != nil {
			t.Error(err)
		}
		tops = append(tops, found...)
	}
	for range 100 {
		left := 0
		for _, top := range tops {
			find := exec.CommandContext(context.Background(), "find", top, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+")
			_ = find.Run() // what is in use stays
			if _, err := os.Stat(top); err == nil {
				left++
			}
		}
		if left == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (h *SystemdHost) systemctl(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	enter := []string{"-t", strconv.Itoa(h.leader), "-m", "-p", "-u", "-i", "-C", "--", "systemctl"}
	out, err := exec.CommandContext(ctx, "nsenter", append(enter, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Systemctl runs systemctl inside and returns what it prints; the test fails when it fails.
func (h *SystemdHost) Systemctl(t testing.TB, args ...string) string {
	t.Helper()
	out, err := h.systemctl(t.Context(), args...)
	if err != nil {
		t.Fatalf("systemctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// Unit writes a unit file and has systemd read it.
func (h *SystemdHost) Unit(t testing.TB, name, text string) {
	t.Helper()
	if err := h.write(name, text); err != nil {
		t.Fatalf("write unit %s: %v", name, err)
	}
	h.Systemctl(t, "daemon-reload")
}
