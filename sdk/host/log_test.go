package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// syncBuffer is a buffer that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestLogs shows that a provider's log lines arrive with its name and their level, that prints to standard output after
// the handshake harm nothing, and that no line shows a secret.
func TestLogs(t *testing.T) {
	var logs syncBuffer
	c := command(t, "storage", "storage", "dir")
	c.Log = slog.New(slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := start(t, c)
	configure(t, p, fmt.Sprintf(`{"path": %q, "secret": "hunter22", "do": "log"}`, t.TempDir()))
	if err := p.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"opened": "INFO", "details": "DEBUG", "beware of [redacted]": "WARN", "plugin output": "DEBUG",
		"grouped": "ERROR", "stray print with [redacted]": "stdout", "stray error print": "stderr",
	}
	got := map[string]string{}
	for end := time.Now().Add(30 * time.Second); len(got) < len(want) && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		got = map[string]string{}
		for line := range strings.Lines(logs.String()) {
			var entry map[string]any
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if entry["plugin"] != "storage/dir" {
				t.Errorf("line without the plugin's name: %s", line)
			}
			got[fmt.Sprint(entry["msg"])] = fmt.Sprint(entry["level"])
			if entry["msg"] == "plugin output" {
				got[fmt.Sprint(entry["line"])] = fmt.Sprint(entry["stream"])
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(logs.String(), "hunter22") {
		t.Errorf("a secret in the logs:\n%s", &logs)
	}
}

// TestConfigure shows diagnostics with paths, from the schema and from the provider's own checks, and errors, all of
// them without the secret.
func TestConfigure(t *testing.T) {
	tests := []struct {
		config string
		want   []schema.Diagnostic
	}{
		{`{}`, []schema.Diagnostic{{Path: []string{"path"}, Summary: `missing attribute "path"`, Detail: "Where the objects are."}}},
		{`{"path": 3, "pth": ""}`, []schema.Diagnostic{
			{Path: []string{"pth"}, Summary: `unknown attribute "pth"`, Detail: `Did you mean "path"?`},
			{Path: []string{"path"}, Summary: "wrong type", Detail: "Expected a string, got a number."},
		}},
		{`{"path": "/x", "secret": "hunter22", "do": "diagnose"}`, []schema.Diagnostic{
			{Path: []string{"path"}, Summary: "path is not good: [redacted]", Detail: "use another"},
			{Summary: "bad"},
		}},
	}
	p := start(t, command(t, "storage", "storage", "dir"))
	for _, tt := range tests {
		diags, err := p.Configure(t.Context(), []byte(tt.config))
		if diff := cmp.Diff(tt.want, diags); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", tt.config, err, diff)
		}
	}
	_, err := p.Configure(t.Context(), []byte(`{"path": "/x", "secret": "hunter22", "do": "fail"}`))
	if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), "no way in with [redacted]") {
		t.Errorf("error %v", err)
	}
	s, err := p.Storage()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(t.Context(), storage.Upload{Key: "k"}); !errs.Is(err, errs.Invalid) {
		t.Errorf("call before it is configured: %v", err)
	}
	configure(t, p, fmt.Sprintf(`{"path": %q, "secret": "hunter22"}`, t.TempDir()))
	if _, err := s.Begin(t.Context(), storage.Upload{Key: "!secret"}); err == nil || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("a call's error: %v", err)
	}
	if _, err := p.Configure(t.Context(), []byte(`{"path": "/x"}`)); !errs.Is(err, errs.Invalid) {
		t.Errorf("configured twice: %v", err)
	}
	if _, err := p.Notifier(); !errs.Is(err, errs.Invalid) {
		t.Errorf("a storage provider as notifier: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Configure(ctx, nil); !errs.Is(err, errs.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
