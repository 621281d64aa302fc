package plugins_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/plugin"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/notifytest"
)

// agentWith returns an agent's plugin host that has the Python plugin installed and pinned.
func agentWith(t *testing.T, dir string, sum [32]byte) *plugin.Host {
	t.Helper()
	h, err := plugin.NewHost(plugin.Options{Self: os.Args[0], PluginDir: dir,
		Pins: []plugin.Pin{{Kind: "notify", Name: "ntfy", Version: "1.0.0", SHA256: sum}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return h
}

// TestPythonPinned: the agent runs the plugin as it runs any other from its plugin directory, and only while it is the file
// that was pinned.
func TestPythonPinned(t *testing.T) {
	path := buildPython(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := notifytest.NewHTTP(t, "Idempotency-Key")
	config, err := json.Marshal(map[string]any{"server": r.Address(), "topic": topic, "token": token})
	if err != nil {
		t.Fatal(err)
	}
	provider := job.Provider{Type: "ntfy", Label: "phone", Config: job.Config(config)}
	h := agentWith(t, filepath.Dir(path), sha256.Sum256(text))
	n, err := h.Notifier(t.Context(), provider)
	if err != nil {
		t.Fatal(err)
	}
	event := notify.Event{ID: "event-1", Type: "test", Severity: notify.Info, Time: time.Now(), Summary: "hello"}
	if err := n.Send(t.Context(), event); err != nil || len(r.Deliveries()) != 1 {
		t.Errorf("%d deliveries, error %v", len(r.Deliveries()), err)
	}

	var refused *plugin.RefusedError
	h = agentWith(t, filepath.Dir(path), sha256.Sum256([]byte("another file")))
	if _, err := h.Notifier(t.Context(), provider); !errors.As(err, &refused) {
		t.Errorf("a plugin that is not the pinned one: error %v", err)
	}
}
