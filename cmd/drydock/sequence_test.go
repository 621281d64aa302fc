//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// trouble is one way in which stopping or starting MySQL goes wrong, and what comes of it.
type trouble struct {
	name string
	job  func(t *testing.T, h *site) jobText // what is wrong
	at   moment                              // when act is called; nil never
	act  func(t *testing.T, h *site, pid int)

	code   int
	says   []string // on standard error
	stored bool     // the target holds the backup
	same   bool     // the server was never restarted
	told   []string // types of the events that a web hook gets

	after func(t *testing.T, h *site) // sees what is left, and mends it: the server has to be up in the end
}

// The sequence under every failure of MySQL itself (R3.4, R3.5, R3.7, R6.4, R9.1, R9.4, R9.5, R9.6): on a real server,
// with the job's own commands. In the end exactly one server is up, whatever it took.
func troubles() []trouble {
	return []trouble{
		{name: "the stop is refused", job: stopRefused,
			code: exitFailed, says: []string{"stop:", "the server is still running after 1s", "not on my watch"}, same: true,
			told: []string{"failure"}},
		{name: "the stop takes a while", job: stopSlowly,
			code: exitDone, stored: true, told: []string{"success"}},
		{name: "the stop reports an error and goes on", job: stopSaysNo,
			code: exitDone, says: []string{"the shutdown reported an error"}, stored: true, told: []string{"success"}},
		{name: "the stop takes longer than it may", job: stopTooSlowly,
			code: exitFailed, says: []string{"the server is still running after 1s"}, told: []string{"failure"}},
		{name: "a supervisor brings the server back during the copy", job: supervised,
			at: progress("capture"), act: untilBack,
			code: exitFailed, says: []string{"works on", "no consistent copy", "hint: if a service manager"}, told: []string{"failure"}},
		{name: "the start fails", job: startFails,
			code: exitDown, says: []string{"MySQL IS DOWN", "disk is on fire", "To bring it back by hand", "/bin/sh -c"}, stored: true,
			told: []string{"mysql-down"}, after: startedByHand},
		{name: "the start hangs", job: startHangs,
			code: exitDown, says: []string{"MySQL IS DOWN", "within 3s", "was ended"}, stored: true,
			told: []string{"mysql-down"}, after: nothingHangs},
		{name: "the server is up but does not answer", job: startDeaf,
			code: exitDown, says: []string{"MySQL IS DOWN", "no answer to a query within 10s", "Do not start a second server"},
			stored: true, told: []string{"mysql-down"}, after: stopDeaf},
		{name: "the login is refused after the start", job: startLockedOut,
			code: exitFailed, says: []string{"restart:", "cannot be proven to serve", "the login is refused"}, stored: true,
			told: []string{"failure"}, after: letIn},
		{name: "a signal during the restart", job: startSlowly,
			at: step("restart", "begun"), act: terminate,
			code: exitCancelled, says: []string{"interrupted by", "drydock resume"}, told: []string{"failure"}, after: resumes},
	}
}

func TestSequence(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: megabytes(20)})
	for _, tt := range troubles() {
		t.Run(tt.name, func(t *testing.T) {
			h := newSite(t, s)
			hook, events := newHook(t)
			j := tt.job(t, h)
			j.Extra = hookBlock("dba", hook, `"success", "failure", "mysql-down", "recovered"`)
			h.writeJob(t, j)
			tt.run(t, h)
			wantTold(t, events, tt.told)
			if tt.after != nil {
				tt.after(t, h)
			}
			h.wantUp(t)
		})
	}
}

func (tt *trouble) run(t *testing.T, h *site) {
	t.Helper()
	pid := h.server.PID()
	var r result
	if tt.at == nil {
		_, r = h.run(t, tt.code)
	} else {
		r = h.at(t, tt.at, func(pid int) { tt.act(t, h, pid) }).want(t, tt.code)
	}
	r.says(t, tt.says...)
	if (h.server.PID() == pid) != tt.same {
		t.Errorf("process %d, was %d", h.server.PID(), pid)
	}
	if list := h.backups(t); (len(list) == 1) != tt.stored {
		t.Errorf("backups: %+v", list)
	}
	if !tt.stored {
		h.wantNothing(t)
	}
	if tt.code == exitDown { // what to type next has this host's own paths
		r.says(t, h.server.DataDir, "tail -n 50 "+h.server.LogFile, "drydock recover shop --data-dir "+h.state, "is stored")
	}
}

// wantTold fails the test unless just these events arrive. A run ends after its notifiers, so nothing is on its way.
func wantTold(t *testing.T, events <-chan notify.Event, types []string) {
	t.Helper()
	for _, want := range types {
		select {
		case e := <-events:
			if e.Type != want {
				t.Errorf("told %q, want %q: %s", e.Type, want, e.Summary)
			}
			if want == "mysql-down" && (e.Severity != notify.Critical || !strings.Contains(e.Detail, "by hand") ||
				!strings.Contains(e.Detail, "drydock recover") || !strings.Contains(e.Detail, "tail -n 50")) {
				t.Errorf("told: %+v", e)
			}
		default:
			t.Errorf("nobody was told of %q", want)
		}
	}
	select {
	case e := <-events:
		t.Errorf("told as well: %+v", e)
	default:
	}
}

// startBy has a script start the server; "$@" is the server's own command, and more is appended to it.
func startBy(t *testing.T, h *site, script string, more ...string) string {
	t.Helper()
	argv := append([]string{"/bin/sh", "-c", script, "start"}, h.server.StartCommand()...)
	text, err := json.Marshal(append(argv, more...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func stopBy(script string) string { return fmt.Sprintf(`["/bin/sh", "-c", %q]`, script) }

func stopRefused(*testing.T, *site) jobText {
	return jobText{Stop: stopBy("echo not on my watch >&2; exit 1"), StopTimeout: "1s"}
}

// A clean shutdown that takes its time is no failure.
func stopSlowly(_ *testing.T, h *site) jobText {
	return jobText{Stop: stopBy(fmt.Sprintf("(sleep 2; kill -TERM %d) & exit 0", h.server.PID()))}
}

func stopSaysNo(_ *testing.T, h *site) jobText {
	return jobText{Stop: stopBy(fmt.Sprintf("kill -TERM %d; exit 3", h.server.PID()))}
}

// The server goes on stopping after the run has given up: it is waited for, and started again.
func stopTooSlowly(_ *testing.T, h *site) jobText {
	script := fmt.Sprintf("kill -TERM %[1]d; kill -STOP %[1]d; (sleep 4; kill -CONT %[1]d) & exit 0", h.server.PID())
	return jobText{Stop: stopBy(script), StopTimeout: "1s"}
}

// supervised puts the server under a supervisor that starts it again whenever it ends.
func supervised(t *testing.T, h *site) jobText {
	h.server.Stop(t)
	h.server.Supervise(t)
	return slowly(jobText{})
}

// untilBack has the copy wait for the server that the supervisor starts.
func untilBack(t *testing.T, h *site, pid int) {
	frozen(t, pid, "the server is back", func() bool { return holder(h.server.DataDir) != 0 })
}

// holder is the process that has the locks of a data directory's server; 0 when there is none, or it cannot be told.
func holder(dataDir string) int {
	pid, err := mysql.Locker(dataDir)
	if err != nil {
		return 0
	}
	return pid
}

func startFails(t *testing.T, h *site) jobText {
	return jobText{Start: startBy(t, h, "echo disk is on fire; exit 7")}
}

func startedByHand(t *testing.T, h *site) { h.server.Start(t) }

func startHangs(t *testing.T, h *site) jobText {
	fifo := filepath.Join(h.dir, "nobody-writes")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	return jobText{Start: fmt.Sprintf(`["/bin/sh", "-c", "echo waiting; cat \"$0\"", %q]`, fifo), StartTimeout: "3s"}
}

// A start command that hung does not live on: it might start a server when nobody expects one.
func nothingHangs(t *testing.T, h *site) {
	cmdlines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range cmdlines {
		if args, err := os.ReadFile(name); err == nil && strings.Contains(string(args), filepath.Join(h.dir, "nobody-writes")) {
			t.Errorf("%s lives on: %q", name, args)
		}
	}
	h.server.Start(t)
}

// A server that does not listen is up for its data directory, and for nobody else.
func startDeaf(t *testing.T, h *site) jobText {
	return jobText{Start: startBy(t, h, `exec "$@"`, "--skip-networking"), StartTimeout: "10s"}
}

func stopDeaf(t *testing.T, h *site) {
	if n := len(h.server.Processes()); n != 1 {
		t.Errorf("%d servers", n)
	}
	h.server.Stop(t)
	h.server.Start(t)
}

func startLockedOut(t *testing.T, h *site) jobText {
	file := filepath.Join(h.dir, "init.sql")
	if err := os.WriteFile(file, []byte("ALTER USER '"+h.server.User+"'@'%' IDENTIFIED BY 'rotated';\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return jobText{Start: startBy(t, h, `exec "$@"`, "--init-file="+file)}
}

// The run's business stays open until drydock is let in again.
func letIn(t *testing.T, h *site) {
	drydock(t, h.args("recover", "--file", h.job)...).want(t, exitFailed).says(t, "the login is refused")
	h.server.Exec(t, "ALTER USER '"+h.server.User+"'@'%' IDENTIFIED BY '"+h.server.Password+"'")
	if found := h.recover(t); len(found) != 1 || !found[0].MySQLStarted {
		t.Errorf("recovered: %+v", found)
	}
	h.server.Stop(t) // what has the site's directory on its command line ends with the site
	h.server.Start(t)
}

func startSlowly(t *testing.T, h *site) jobText {
	return jobText{Start: startBy(t, h, `sleep 2; exec "$@"`)}
}

func terminate(t *testing.T, _ *site, pid int) { sendSignal(t, pid, syscall.SIGTERM) }

func resumes(t *testing.T, h *site) {
	pid := h.server.PID()
	drydock(t, h.args("resume", "--file", h.job)...).want(t, exitDone)
	if list := h.backups(t); len(list) != 1 || h.server.PID() != pid {
		t.Errorf("backups: %+v; process %d, was %d", list, h.server.PID(), pid)
	}
}
