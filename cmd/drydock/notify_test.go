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
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// R9.6, S4: those who asked are told, through a plugin, and a notifier that fails does not fail the backup.
func TestNotifications(t *testing.T) {
	t.Parallel()
	events := make(chan notify.Event, 4)
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
	defer hook.Close()
	h := newSite(t, testenv.MySQL(t))
	block := func(label, url, on string) string {
		return fmt.Sprintf("notify \"webhook\" %q {\n    on  = [%s]\n    url = %q\n  }\n", label, on, url)
	}
	h.writeJob(t, jobText{Extra: block("dba", hook.URL, `"success", "failure"`) +
		"\n  " + block("gone", "http://127.0.0.1:1/", `"success"`)})

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
