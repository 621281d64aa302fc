//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// Everything here fails on purpose, on a real server: each case shows the error, the exit code, MySQL up again (R3.7),
// and that nothing half-written looks like a backup.
func TestFailures(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: megabytes(60)})
	cases := map[string]func(t *testing.T, h *site){
		"the data directory cannot be read":    unreadableDataDir,   //
		"a thing that cannot be archived":      unarchivable,        //
		"the spool is full":                    fullSpool,           // R9.2
		"the target is full":                   fullTarget,          // R9.3
		"the compressor is killed in capture":  killedCompressor,    // R9.2
		"the storage plugin is killed":         killedStorage,       //
		"wrong password":                       wrongPassword,       //
		"the target path does not exist":       missingTarget,       //
		"the artifact's name exists already":   nameTaken,           // R10.3
		"interrupted in capture":               interrupted,         // R6.4
		"another run of the job":               secondRun,           //
		"a start command that cannot be found": startCommandMissing, //
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			h := newSite(t, s)
			run(t, h)
			h.wantUp(t)
		})
	}
}

// says fails the test unless standard error holds all the texts.
func (r result) says(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("standard error does not say %q:\n%s", text, r.stderr)
		}
	}
}

func unreadableDataDir(t *testing.T, h *site) {
	pid := h.server.PID()
	cmd := drydockCommand(t, h.args("run", "--file", h.job, "--json")...)
	asNobodyElse(t, h, cmd)
	r := finish(t, cmd).want(t, exitFailed)
	r.says(t, "permission denied", h.server.DataDir)
	if h.server.PID() != pid {
		t.Error("the server was stopped for a data directory that cannot be read")
	}
}

// asNobodyElse makes a command run as a user who may read the job, but not the data directory.
func asNobodyElse(t *testing.T, h *site, cmd *exec.Cmd) {
	t.Helper()
	const daemon = 1
	if os.Geteuid() != 0 {
		t.Fatal("this test changes the user: run it as root")
	}
	err := filepath.WalkDir(h.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, daemon, daemon)
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "HOME="+h.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: daemon, Gid: daemon}}
}

func unarchivable(t *testing.T, h *site) {
	fifo := filepath.Join(h.server.DataDir, "queue")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(fifo)
	pid := h.server.PID()
	_, r := h.run(t, exitFailed)
	r.says(t, "preflight:", "queue", "exclude")
	h.wantNothing(t)
	if h.server.PID() != pid {
		t.Error("the server was stopped")
	}
}

// tmpfs mounts a small file system.
func tmpfs(t *testing.T, dir, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Fatalf("mount a small file system (needs root): %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

func fullSpool(t *testing.T, h *site) {
	spool, full := filepath.Join(h.dir, "small-spool"), filepath.Join(h.dir, "small-target")
	tmpfs(t, spool, "6m")
	tmpfs(t, full, "1m")
	h.target = full
	h.writeJob(t, jobText{ChunkSize: "1MiB", Compress: `compress "store" {}`})
	_, r := h.run(t, exitFailed, "--spool-dir", spool)
	r.says(t, spool, "full")
	h.wantNothing(t)
	if left, _ := filepath.Glob(filepath.Join(spool, "*")); len(left) != 0 {
		t.Errorf("left in the spool: %v", left)
	}
}

func fullTarget(t *testing.T, h *site) {
	h.target = filepath.Join(h.dir, "small-target")
	tmpfs(t, h.target, "4m")
	h.writeJob(t, jobText{ChunkSize: "1MiB", Compress: `compress "store" {}`})
	before := h.server.Checksums(t)
	e, r := h.run(t, exitPartial)
	r.says(t, `target "nas"`, "kept in the spool", "drydock resume "+e.Run)
	h.wantUp(t)
	h.wantNothing(t)
	if len(h.spooled(t)) == 0 {
		t.Fatal("the local copy was not kept (R9.3)")
	}
	// With room at the target, the rest is shipped, and MySQL is not touched again.
	if err := unix.Mount("tmpfs", h.target, "tmpfs", unix.MS_REMOUNT, "size=400m"); err != nil {
		t.Fatal(err)
	}
	pid := h.server.PID()
	drydock(t, h.args("resume", e.Run, "--file", h.job)...).want(t, 0)
	if h.server.PID() != pid {
		t.Error("resume restarted MySQL")
	}
	if left := h.spooled(t); len(left) != 0 {
		t.Errorf("left in the spool: %v", left)
	}
	h.wantRestored(t, e.Run, before)
}

// killing runs a backup and kills the process of one provider as soon as a step has begun to move bytes.
func (h *site) killing(t *testing.T, step, provider string) result {
	t.Helper()
	return h.during(t, step, func(pid int) {
		for _, child := range children(t, pid) {
			if strings.Contains(child.args, provider) {
				sendSignal(t, child.pid, syscall.SIGKILL)
				return
			}
		}
		t.Errorf("no process %q below %d", provider, pid)
	})
}

// during runs a backup and calls act with its PID when a step tells its first progress.
func (h *site) during(t *testing.T, step string, act func(pid int)) result {
	t.Helper()
	return h.at(t, func(e agent.Event) bool { return e.Event == agent.EventProgress && e.Step == step }, act)
}

// at runs a backup and calls act with its PID at the first event that when wants.
func (h *site) at(t *testing.T, when moment, act func(pid int)) result {
	t.Helper()
	return watchedRun(t, drydockCommand(t, h.args("run", "--file", h.job, "--json")...), when, act)
}

// frozen stops a process in its tracks until a condition holds, so that what is to happen meanwhile cannot come too late.
func frozen(t *testing.T, pid int, what string, holds func() bool) {
	t.Helper()
	sendSignal(t, pid, syscall.SIGSTOP)
	defer sendSignal(t, pid, syscall.SIGCONT)
	testenv.Eventually(t, time.Minute, what, holds)
}

func watchedRun(t *testing.T, cmd *exec.Cmd, when moment, act func(pid int)) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acted := false
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		stdout.Write(append(lines.Bytes(), '\n'))
		var e agent.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Errorf("event %q: %v", lines.Text(), err)
		}
		if !acted && when(e) {
			acted = true
			act(cmd.Process.Pid)
		}
	}
	_ = cmd.Wait()
	if !acted {
		t.Fatalf("the moment to act did not come:\n%s\n%s", stdout.String(), stderr.String())
	}
	return result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

type child struct {
	pid  int
	args string
}

// children lists the processes below a process.
func children(t *testing.T, pid int) []child {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range tasks {
		more, _ := os.ReadFile(path)
		data = append(append(data, ' '), more...)
	}
	var all []child
	for _, field := range strings.Fields(string(data)) {
		id, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", id))
		all = append(all, child{id, strings.ReplaceAll(string(args), "\x00", " ")})
	}
	return all
}

func killedCompressor(t *testing.T, h *site) {
	h.writeJob(t, jobText{Compress: "compress \"zstd\" {\n    level = \"best\"\n  }"})
	r := h.killing(t, "capture", "serve compress zstd").want(t, exitFailed)
	r.says(t, "capture:", "zstd", "killed")
	h.wantNothing(t)
	if left := h.spooled(t); len(left) != 0 {
		t.Errorf("left in the spool: %v", left)
	}
}

// A storage provider that dies is started again, and the run goes on.
func killedStorage(t *testing.T, h *site) {
	h.writeJob(t, jobText{Compress: "compress \"zstd\" {\n    level = \"best\"\n  }", ChunkSize: "1MiB"})
	before := h.server.Checksums(t)
	r := h.killing(t, "capture", "serve storage file").want(t, exitDone)
	h.wantRestored(t, lastEvent(t, r).BackupID, before)
}

func wrongPassword(t *testing.T, h *site) {
	const wrong = "not-the-password-5319"
	h.writeJob(t, jobText{Password: wrong})
	pid := h.server.PID()
	_, r := h.run(t, exitFailed)
	r.says(t, "preflight:", "Access denied", h.server.User)
	if strings.Contains(r.stderr+r.stdout, wrong) {
		t.Error("the password is shown")
	}
	h.wantNothing(t)
	if h.server.PID() != pid {
		t.Error("the server was stopped")
	}
}

func missingTarget(t *testing.T, h *site) {
	gone := filepath.Join(h.dir, "not-mounted")
	h.target = gone
	h.writeJob(t, jobText{})
	pid := h.server.PID()
	r := drydock(t, h.args("run", "--file", h.job)...).want(t, exitFailed)
	r.says(t, `target "nas"`, gone)
	if _, err := os.Stat(gone); err == nil {
		t.Error("the missing target directory was made")
	}
	if h.server.PID() != pid {
		t.Error("the server was stopped")
	}
}

func nameTaken(t *testing.T, h *site) {
	h.writeJob(t, jobText{ArtifactName: `"yearly/${formatdate("YYYY", run.started)}/Data.zip"`})
	first, _ := h.run(t, exitDone)
	path := filepath.Join(h.target, filepath.FromSlash(first.Key))
	was, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	pid := h.server.PID()
	_, r := h.run(t, exitFailed)
	r.says(t, "preflight:", first.Key, "exists already")
	is, err := os.Stat(path)
	if err != nil || !is.ModTime().Equal(was.ModTime()) || is.Size() != was.Size() {
		t.Errorf("the first backup was touched: %v", err)
	}
	if h.server.PID() != pid {
		t.Error("the server was stopped")
	}
	if list := h.backups(t); len(list) != 1 || list[0].ID != first.BackupID {
		t.Errorf("backups: %+v", list)
	}
}

func interrupted(t *testing.T, h *site) {
	h.writeJob(t, jobText{Compress: "compress \"zstd\" {\n    level = \"best\"\n  }"})
	r := h.during(t, "capture", func(pid int) {
		for range 3 { // a second Ctrl-C does not skip the restart
			sendSignal(t, pid, syscall.SIGINT)
		}
	}).want(t, exitCancelled)
	if e := lastEvent(t, r); e.Status != agent.StatusCancelled {
		t.Errorf("status %q", e.Status)
	}
	h.wantNothing(t)
}

// secondRun: the first run is held up for as long as the second one tries, so that it cannot end meanwhile.
func secondRun(t *testing.T, h *site) {
	var second result
	var holder int
	h.during(t, "capture", func(pid int) {
		holder = pid
		sendSignal(t, pid, syscall.SIGSTOP)
		defer sendSignal(t, pid, syscall.SIGCONT)
		second = drydock(t, h.args("run", "--file", h.job)...)
	}).want(t, exitDone)
	second.want(t, exitFailed).says(t, strconv.Itoa(holder))
}

// A start command that cannot be found is found out before MySQL is touched.
func startCommandMissing(t *testing.T, h *site) {
	text, err := os.ReadFile(h.job)
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(string(text), "start = [", "start = [\"/nonexistent/start-mysql\", ", 1)
	if err := os.WriteFile(h.job, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	pid := h.server.PID()
	_, r := h.run(t, exitFailed)
	r.says(t, "preflight:", "/nonexistent/start-mysql")
	h.wantNothing(t)
	if h.server.PID() != pid {
		t.Error("the server was stopped")
	}
}

func sendSignal(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Error(err)
	}
}

// oneTargetAway: the backup is stored where it can be, the exit code says that a target waits, and resume serves it.
func oneTargetAway(t *testing.T, h *site, before map[string]uint64) {
	full := filepath.Join(h.dir, "full")
	tmpfs(t, full, "2m")
	h.writeJob(t, jobText{ChunkSize: "1MiB", Compress: `compress "store" {}`, Target: fmt.Sprintf(
		"target \"file\" \"nas\" {\n    path = %q\n  }\n\n  target \"file\" \"full\" {\n    path = %q\n  }", h.target, full)})
	e, r := h.run(t, exitPartial)
	r.says(t, "not everywhere", `target "full"`, "drydock resume "+e.Run)
	if e.Status != agent.StatusPartial || e.BackupID == "" {
		t.Errorf("finished: %+v", e.Outcome)
	}
	if list := h.backups(t); len(list) != 1 || list[0].Target != "nas" {
		t.Fatalf("backups: %+v", list)
	}
	h.wantRestored(t, e.BackupID, before)
	if err := unix.Mount("tmpfs", full, "tmpfs", unix.MS_REMOUNT, "size=400m"); err != nil {
		t.Fatal(err)
	}
	drydock(t, h.args("resume", "--file", h.job)...).want(t, exitDone)
	if list := h.backups(t); len(list) != 2 {
		t.Fatalf("backups after resume: %+v", list)
	}
	drydock(t, h.args("verify", e.BackupID, "--deep", "--target", "full")...).want(t, exitDone)
	unlisted(t, h)
}

// unlisted: what answers is listed, and what does not is named.
func unlisted(t *testing.T, h *site) {
	gone := filepath.Join(h.dir, "gone")
	list := func(nas, other string, code int) (found []agent.Backup) {
		h.writeJob(t, jobText{Target: twoFiles(nas, "full", other)})
		r := drydock(t, h.args("backups", "--file", h.job, "--json")...).want(t, code)
		r.says(t, `target "full"`, gone)
		if err := json.Unmarshal([]byte(r.stdout), &found); err != nil {
			t.Errorf("backups --json: %v\n%s", err, r.stdout)
		}
		return found
	}
	if found := list(h.target, gone, exitPartial); len(found) != 1 || found[0].Target != "nas" {
		t.Errorf("with one target: %+v", found)
	}
	if found := list(gone, gone, exitFailed); len(found) != 0 {
		t.Errorf("with none: %+v", found)
	}
}
