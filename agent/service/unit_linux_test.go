package service_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/service"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/errs"
)

func unit(t *testing.T, h *testenv.SystemdHost, name string) service.Manager {
	t.Helper()
	m, err := service.New(job.Service{Kind: job.ServiceSystemd, Unit: name}, service.Options{Bus: h.Bus})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// One real systemd for all (R2.1, R3.1, R3.4, R9.1, R9.4, R9.5).
func TestSystemd(t *testing.T) {
	h := testenv.Systemd(t)
	t.Run("database", func(t *testing.T) { database(t, h) })
	t.Run("fails", func(t *testing.T) { unitFails(t, h) })
	t.Run("start limit", func(t *testing.T) { unitStartLimit(t, h) })
	t.Run("slow", func(t *testing.T) { unitSlow(t, h) })
	t.Run("unknown", func(t *testing.T) { unitUnknown(t, h) })
	t.Run("masked", func(t *testing.T) { unitMasked(t, h) })
	t.Run("permission", func(t *testing.T) { unitPermission(t, h) })
}

// database stops and starts a real server that is a unit.
func database(t *testing.T, h *testenv.SystemdHost) {
	s := testenv.MariaDB(t, testenv.In(h.Share), testenv.Down())
	start := strings.Join(s.StartCommand(), " ")
	h.Unit(t, "db.service", "[Service]\nType=notify\nRestart=always\nTimeoutStopSec=900\nExecStart="+start+"\n")
	m := unit(t, h, "db.service")
	ctx := t.Context()
	if running, err := m.Running(ctx); running || err != nil {
		t.Errorf("running before the start: %v, %v", running, err)
	}
	if handled, err := m.Stop(ctx); handled || err != nil {
		t.Errorf("stop of an inactive unit: %v, %v", handled, err)
	}
	for range 2 {
		if err := m.Start(ctx); err != nil { // Type=notify: it is ready now
			t.Fatal(err)
		}
		if running, err := m.Running(ctx); !running || err != nil {
			t.Errorf("running: %v, %v", running, err)
		}
		if err := m.(service.Checker).Check(ctx); err != nil {
			t.Error(err)
		}
		state, err := m.(service.Uniter).Unit(ctx)
		if err != nil || state.MainPID == 0 || state.Restart != "always" || state.TimeoutStop != 15*time.Minute {
			t.Errorf("state: %+v, %v", state, err)
		}
		pid, err := mysql.Holder(s.DataDir)
		if err != nil || pid == 0 {
			t.Errorf("holder: %d, %v", pid, err)
		}
		if handled, err := m.Stop(ctx); !handled || err != nil {
			t.Fatalf("stop: %v, %v", handled, err)
		}
		if err := mysql.WaitFree(ctx, s.DataDir, pid); err != nil || s.Running() {
			t.Errorf("after the stop: %v", err)
		}
	}
	if got := strings.Join(m.Manual(), "; "); !strings.HasPrefix(got, "systemctl start db.service; ") {
		t.Errorf("manual: %s", got)
	}
}

func unitFails(t *testing.T, h *testenv.SystemdHost) {
	h.Unit(t, "bad.service", "[Service]\nType=notify\nExecStart=/bin/sh -c 'exit 7'\n")
	m := unit(t, h, "bad.service")
	for range 7 { // more often than StartLimitBurst allows: each is a new try
		err := m.Start(t.Context())
		if err == nil || !strings.Contains(err.Error(), "bad.service") || !strings.Contains(err.Error(), `"exit-code", exit status 7`) {
			t.Fatalf("start: %v", err)
		}
	}
	if running, err := m.Running(t.Context()); running || err != nil {
		t.Errorf("running: %v, %v", running, err)
	}
}

// unitStartLimit starts a unit that systemd itself would not start again for an hour.
func unitStartLimit(t *testing.T, h *testenv.SystemdHost) {
	h.Unit(t, "often.service", "[Unit]\nStartLimitIntervalSec=3600\nStartLimitBurst=1\n[Service]\nRestart=always\n"+
		"RestartSec=100ms\nExecStart=/bin/sleep 1000\n")
	m := unit(t, h, "often.service")
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Systemctl(t, "kill", "--signal=SIGKILL", "often.service")
	testenv.Eventually(t, time.Minute, "systemd gives the unit up", func() bool {
		s, err := m.(service.Uniter).Unit(t.Context())
		return err == nil && s.ActiveState == "failed"
	})
	for range 3 {
		if err := m.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if handled, err := m.Stop(t.Context()); !handled || err != nil {
			t.Fatal(handled, err)
		}
	}
}

func unitSlow(t *testing.T, h *testenv.SystemdHost) {
	h.Unit(t, "slow.service", "[Service]\nType=notify\nExecStart=/bin/sleep 1000\n")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := unit(t, h, "slow.service").Start(ctx)
	if !errs.Is(err, errs.Transient) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("start: %v", err)
	}
}

func unitUnknown(t *testing.T, h *testenv.SystemdHost) {
	m := unit(t, h, "nowhere.service")
	_, errStop := m.Stop(t.Context())
	errCheck := m.(service.Checker).Check(t.Context())
	for what, err := range map[string]error{"start": m.Start(t.Context()), "stop": errStop, "check": errCheck} {
		if !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "nowhere.service") {
			t.Errorf("%s: %v", what, err)
		}
	}
	m, err := service.New(job.Service{Kind: job.ServiceSystemd, Unit: "x.service"}, service.Options{Bus: "unix:path=/nowhere"})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); !errs.Is(err, errs.Transient) {
		t.Errorf("no bus: %v", err)
	}
}

func unitMasked(t *testing.T, h *testenv.SystemdHost) {
	h.Systemctl(t, "mask", "hidden.service")
	m := unit(t, h, "hidden.service")
	for what, err := range map[string]error{"start": m.Start(t.Context()), "check": m.(service.Checker).Check(t.Context())} {
		if err == nil || !strings.Contains(err.Error(), "systemctl unmask hidden.service") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// asNobody is the environment variable that makes TestMain manage a unit and nothing else.
const asNobody = "DRYDOCK_TEST_UNIT"

// TestMain turns the test program into a small agent without rights, or without a future, when asked.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asNobody) != "":
		manage()
	case os.Getenv(starter) != "":
		startAndLinger()
	default:
		os.Exit(m.Run())
	}
}

// manage prints what each operation on a unit says.
func manage() {
	m, err := service.New(job.Service{Kind: job.ServiceSystemd, Unit: "plain.service"}, service.Options{Bus: os.Getenv(asNobody)})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	_, errStop := m.Stop(ctx)
	for _, err := range []error{m.Start(ctx), errStop, m.(service.Checker).Check(ctx)} {
		fmt.Println(errs.KindOf(err), strings.ReplaceAll(fmt.Sprint(err), "\n", " "))
	}
}

func unitPermission(t *testing.T, h *testenv.SystemdHost) {
	h.Unit(t, "plain.service", "[Service]\nExecStart=/bin/sleep 1000\n")
	if err := unit(t, h, "plain.service").Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(copySelf(t))
	cmd.Env = append(os.Environ(), asNobody+"="+h.Bus)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 3 {
		t.Fatalf("output:\n%s", out)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, string(errs.Permission)+" ") || !strings.Contains(line, "run as root") ||
			!strings.Contains(line, "org.freedesktop.systemd1.manage-units") {
			t.Errorf("without the right: %s", line)
		}
	}
	if running, err := unit(t, h, "plain.service").Running(t.Context()); !running || err != nil {
		t.Errorf("the unit does not run any more: %v", err)
	}
}

// copySelf copies the test program to where anybody can execute it.
func copySelf(t *testing.T) string {
	t.Helper()
	to := filepath.Join(testenv.Dir(t), "self")
	src, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(dst, src); err != nil {
		t.Fatal(err)
	}
	if err := dst.Close(); err != nil {
		t.Fatal(err)
	}
	return to
}
