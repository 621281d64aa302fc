//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// newHook starts a web hook and returns its address and what arrives there.
func newHook(t *testing.T) (string, <-chan notify.Event) {
	t.Helper()
	events := make(chan notify.Event, 16)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var e notify.Event
		if err == nil {
			err = json.Unmarshal(body, &e)
		}
		if err != nil {
			t.Errorf("web hook: %v in %s", err, body)
		}
		events <- e
	}))
	t.Cleanup(hook.Close)
	return hook.URL, events
}

// hookBlock is the block of a web hook in a job file.
func hookBlock(label, url, on string) string {
	return fmt.Sprintf("notify \"webhook\" %q {\n    on  = [%s]\n    url = %q\n  }\n", label, on, url)
}

// S4: a test message shows which notifiers work, before they are needed.
func TestNotifyCommand(t *testing.T) {
	t.Parallel()
	hook, events := newHook(t)
	h := newSite(t, testenv.MySQL(t))
	h.writeJob(t, jobText{Extra: hookBlock("dba", hook, `"failure"`)})
	if r := drydock(t, h.args("notify", "--file", h.job)...).want(t, exitDone); !strings.Contains(r.stdout, `"dba" (webhook): delivered`) {
		t.Errorf("printed:\n%s", r.stdout)
	}
	if e := <-events; e.Type != "test" || e.Severity != notify.Info || e.Job != "shop" || e.ID == "" || e.Summary == "" {
		t.Errorf("event: %+v", e)
	}
	h.writeJob(t, jobText{Extra: hookBlock("dba", hook, `"failure"`) + "\n  " + hookBlock("gone", "http://127.0.0.1:1/", `"failure"`)})
	r := drydock(t, h.args("notify", "--file", h.job, "--json")...).want(t, exitFailed)
	r.says(t, `notifier "gone"`)
	var told []agent.Notified
	if err := json.Unmarshal([]byte(r.stdout), &told); err != nil || len(told) != 2 || !told[0].Delivered || told[1].Delivered {
		t.Errorf("printed: %v\n%s", err, r.stdout)
	}
	if e := <-events; e.Type != "test" {
		t.Errorf("event: %+v", e)
	}
	drydock(t, h.args("notify", "--file", h.job, "--notifier", "dba")...).want(t, exitDone)
	drydock(t, h.args("notify", "--file", h.job, "--notifier", "nobody")...).want(t, exitFailed).says(t, `no notifier "nobody"`)
}

// R9.6, S4: those who asked are told, through a plugin, and a notifier that fails does not fail the backup.
func TestNotifications(t *testing.T) {
	t.Parallel()
	hook, events := newHook(t)
	h := newSite(t, testenv.MySQL(t))
	h.writeJob(t, jobText{Extra: hookBlock("dba", hook, `"success", "failure"`) +
		"\n  " + hookBlock("gone", "http://127.0.0.1:1/", `"success"`)})

	run, r := h.run(t, exitDone)
	if e := <-events; e.Type != "success" || e.Severity != notify.Info || e.Run != run.Run || e.Job != "shop" || e.ID == "" {
		t.Errorf("event: %+v", e)
	}
	r.says(t, `notifier`, `gone`)

	if err := os.Rename(h.target, filepath.Join(h.dir, "away")); err != nil {
		t.Fatal(err)
	}
	h.run(t, exitFailed)
	if e := <-events; e.Type != "failure" || e.Severity != notify.Warning || e.Detail == "" {
		t.Errorf("event: %+v", e)
	}
	h.wantUp(t)
}

// R9.4, R9.6: a server that stays down is told at every try to bring it back, with the way to do it by hand; that it is up
// again is told once.
func TestRecovered(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	tells := func(t *testing.T, h *site, j jobText) <-chan notify.Event {
		hook, events := newHook(t)
		j.Extra = hookBlock("dba", hook, `"failure", "mysql-down", "recovered"`)
		h.writeJob(t, j)
		return events
	}
	t.Run("after a start that failed", func(t *testing.T) {
		h := newSite(t, s)
		events := tells(t, h, startFails(t, h))
		h.run(t, exitDown)
		wantTold(t, events, []string{"mysql-down"})
		r := drydock(t, h.args("recover", "--file", h.job)...).want(t, exitDown)
		r.says(t, "MySQL IS DOWN", "tail -n 50 "+s.LogFile, "is stored")
		wantTold(t, events, []string{"mysql-down"})
		r = drydock(t, h.args("run", "--file", h.job)...).want(t, exitDown) // so does the next run, before it begins
		r.says(t, "finish an earlier run", "MySQL IS DOWN")
		wantTold(t, events, []string{"mysql-down"})
		events = tells(t, h, jobText{})
		h.run(t, exitDone)
		wantTold(t, events, []string{"recovered"})
		h.recover(t)
		wantTold(t, events, nil)
		h.wantUp(t)
	})
	t.Run("after a run that was killed", func(t *testing.T) {
		h := newSite(t, s)
		events := tells(t, h, slowly(jobText{}))
		run := h.kill(t, step("stop", "done"))
		h.recover(t)
		e := <-events
		if e.Type != "recovered" || e.Run != run || e.Severity != notify.Warning || e.Fields["downtime"] == "" {
			t.Errorf("told: %+v", e)
		}
		h.recover(t)
		wantTold(t, events, nil)
		h.wantUp(t)
	})
}
