//go:build linux

package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// kills is the environment variable that says how many processes a torture kills; `make torture` sets it.
const kills = "DRYDOCK_KILLS"

// wantedKills returns how many there are to be: a few, unless somebody asks for more.
func wantedKills(few int) int {
	if n, err := strconv.Atoi(os.Getenv(kills)); err == nil && n > 0 {
		return n
	}
	return few
}

// Providers are killed with SIGKILL at random moments of runs. Every run ends with a proven backup or a clear error, MySQL
// is up, and neither a process nor a socket is left.
func TestKilledPlugins(t *testing.T) {
	t.Parallel()
	var tally pluginTally
	want := wantedKills(6)
	f := farm{next: rounds(func() bool { return int(tally.kills.Load()) < want }), big: megabytes(24),
		work: func(t *testing.T, s *testenv.Server, _ string) {
			h := newSite(t, s)
			h.writeJob(t, jobText{Compress: "compress \"zstd\" {\n    level = \"better\"\n  }", ChunkSize: "1MiB"})
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			k := &killer{h: h, random: rand.New(rand.NewPCG(seed, 0)), tally: &tally}
			k.run(t)
		}}
	f.run(t)
	t.Logf("torture: %d providers killed in %d runs: %d ended with a proven backup, %d with a clear error, %d lost; MySQL up after each",
		tally.kills.Load(), f.done, tally.stored.Load(), tally.failed.Load(), f.failed)
}

type pluginTally struct{ kills, stored, failed atomic.Int64 }

// killer kills providers of one run.
type killer struct {
	h      *site
	random *rand.Rand
	tally  *pluginTally
}

// longest is how long after the begin of a run, or after a kill, the next kill comes at the latest.
const longest = 1500 * time.Millisecond

func (k *killer) run(t *testing.T) {
	t.Helper()
	sockets := testenv.Dir(t)
	cmd := drydockCommand(t, k.h.args("run", "--file", k.h.job, "--json")...)
	cmd.Env = append(cmd.Env, "TMPDIR="+sockets)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = cmd.Wait() }()
	k.kill(t, cmd, done)
	<-done
	k.judge(t, result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()})
	if left, _ := filepath.Glob(filepath.Join(sockets, "*")); len(left) != 0 {
		t.Errorf("left of sockets: %v", left)
	}
	if left := processesOf(t, cmd.Path, cmd.Process.Pid); len(left) != 0 {
		t.Errorf("left of processes: %v", left)
	}
}

// kill kills up to three providers while the run goes on.
func (k *killer) kill(t *testing.T, cmd *exec.Cmd, done <-chan struct{}) {
	t.Helper()
	for range 3 {
		select {
		case <-done:
			return
		case <-time.After(time.Duration(k.random.Int64N(int64(longest)))):
		}
		victims := processesOf(t, cmd.Path, cmd.Process.Pid)
		if len(victims) > 0 && syscall.Kill(victims[k.random.IntN(len(victims))], syscall.SIGKILL) == nil {
			k.tally.kills.Add(1)
		}
	}
}

func (k *killer) judge(t *testing.T, r result) {
	t.Helper()
	k.h.wantUp(t)
	if r.stdout == "" { // it had not begun: a provider died before it was ready, and nothing was touched
		k.tally.failed.Add(1)
		r.want(t, exitFailed).says(t, "killed")
		return
	}
	e := lastEvent(t, r)
	switch r.code {
	case exitDone:
		k.tally.stored.Add(1)
		drydock(t, k.h.args("verify", e.BackupID, "--deep")...).want(t, exitDone)
	case exitFailed, exitPartial: // with the artifact in the spool, if it was whole
		k.tally.failed.Add(1)
		if !strings.Contains(r.stderr, "killed") {
			t.Errorf("the error does not say that a provider was killed:\n%s", r.stderr)
		}
		for _, b := range k.h.backups(t) {
			if b.ID == e.Run {
				t.Errorf("run %s failed, and is listed as a backup", e.Run)
			}
		}
	default:
		t.Errorf("exit code %d:\n%s", r.code, r.stderr)
	}
}

// processesOf lists the processes that are plugins of one drydock binary, other than the given one, and not zombies.
func processesOf(t *testing.T, binary string, agent int) []int {
	t.Helper()
	var found []int
	exes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range exes {
		args, err := os.ReadFile(path)
		pid, bad := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil || bad != nil || pid == agent || !strings.Contains(string(args), "plugin\x00serve") {
			continue
		}
		if parentOf(pid) == agent || parentOf(pid) == 1 && strings.Contains(string(args), filepath.Dir(binary)) {
			found = append(found, pid)
		}
	}
	return found
}

// parentOf returns the parent of a process; 0 when it is gone.
func parentOf(pid int) int {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return parent
}
