package main

import (
	"math/rand/v2"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// The agent is killed with SIGKILL at random moments of runs, and of what comes after them. MySQL is up again each time,
// once; whatever is listed as a backup is one; and the next run succeeds and restores byte for byte. (R3.7, R5.1, R6.4)
func TestKilledAgents(t *testing.T) {
	t.Parallel()
	var tally agentTally
	want := wantedKills(20)
	f := farm{next: rounds(func() bool { return int(tally.kills.Load()) < want }),
		work: func(t *testing.T, s *testenv.Server, _ string) {
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			a := &assassin{site: newSite(t, s), random: rand.New(rand.NewPCG(seed, 0)), tally: &tally}
			a.round(t)
		}}
	f.run(t)
	t.Logf("torture: %d agents killed in %d rounds: MySQL back in %d; of the killed runs %d left a proven backup, %d wait with a "+
		"whole artifact, %d failed with a clear error; %d rounds lost", tally.kills.Load(), f.done, tally.back.Load(),
		tally.stored.Load(), tally.waiting.Load(), tally.failed.Load(), f.failed)
	if int(tally.kills.Load()) < want {
		t.Errorf("%d of %d kills", tally.kills.Load(), want)
	}
}

type agentTally struct{ kills, back, stored, waiting, failed atomic.Int64 }

// assassin kills agents on one site.
type assassin struct {
	*site
	random *rand.Rand
	tally  *agentTally
}

// round kills a run, often what comes after it as well, and has a look at what is left.
func (a *assassin) round(t *testing.T) {
	restart := []string{"after-ship", "after-capture"}[a.random.IntN(2)]
	a.writeJob(t, jobText{Start: a.copyingStart(t), ChunkSize: "1MiB", Restart: restart})
	length := a.length(t)
	a.kill(t, length, "run")
	for range a.random.IntN(3) { // in the middle of the recovery
		a.kill(t, length/2, []string{"recover", "run"}[a.random.IntN(2)])
	}
	a.guardianEnds(t)
	a.wantUp(t)
	a.tally.back.Add(1)
	drydock(t, a.args("recover", "--file", a.job)...).want(t, exitDone)
	a.wantAlive(t)
	a.tally.stored.Add(-2) // the run that was timed and the one just now: nobody killed them
	for _, row := range a.rows(t) {
		switch row.Status {
		case "done":
			a.tally.stored.Add(1)
		case "waiting":
			a.tally.waiting.Add(1)
		case "failed":
			a.tally.failed.Add(1)
			if row.Error == "" {
				t.Errorf("run %s failed without a word", row.RunID)
			}
		default:
			t.Errorf("run %s is %s", row.RunID, row.Status)
		}
	}
}

// length is how long an undisturbed run takes here and now.
func (a *assassin) length(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	drydock(t, a.args("run", "--file", a.job)...).want(t, exitDone)
	return time.Since(began)
}

// kill starts a command and kills it at a random moment.
func (a *assassin) kill(t *testing.T, length time.Duration, command string) {
	t.Helper()
	cmd := drydockCommand(t, a.args(command, "--file", a.job)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(time.Duration(a.random.Int64N(int64(length))), func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait()
	if killedBySignal(cmd) {
		a.tally.kills.Add(1)
	}
}

func killedBySignal(cmd *exec.Cmd) bool { return cmd.ProcessState.ExitCode() == -1 }
