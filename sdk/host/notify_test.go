package host_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// TestNotify sends an event, every field of it, through a spawned notifier.
func TestNotify(t *testing.T) {
	p := start(t, command(t, "notify", "notify", "log"))
	file := filepath.Join(t.TempDir(), "log")
	configure(t, p, fmt.Sprintf(`{"path": %q}`, file))
	n, err := p.Notifier()
	if err != nil {
		t.Fatal(err)
	}
	e := notify.Event{
		ID: "1", Type: "failure", Severity: notify.Critical, Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Host: "db1",
		Job: "orders", Run: "r1", Summary: "it failed", Detail: "line 1\nline 2", Fields: map[string]string{"a": "b"},
	}
	if err := n.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if want := fmt.Sprintf("%+v", e); err != nil || string(got) != want {
		t.Errorf("sent %s\ngot  %s %v", want, got, err)
	}
	err = n.Send(t.Context(), notify.Event{Type: "refuse"})
	var refused *errs.Error
	if !errors.As(err, &refused) || refused.Kind != errs.Throttled || refused.RetryAfter != time.Minute {
		t.Errorf("refused: %#v", err)
	}
}
