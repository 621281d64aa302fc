package agent_test

import (
	"testing"

	"github.com/drydock-backup/drydock/agent"
)

func TestParseResult(t *testing.T) {
	good := `{"last":"2026-01-02T03:04:05Z","good":"2026-01-02T03:04:05Z"}`
	if r, err := agent.ParseResult([]byte(good)); err != nil || r.Good.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
	for _, text := range []string{"", "{}", "[]", good[:20], `{"last":"yesterday"}`, `{"last":"2026-01-02T03:04:05Z","more":1}`,
		`{"last":"2026-01-02T03:04:05Z","good":"2027-01-02T03:04:05Z"}`} {
		if r, err := agent.ParseResult([]byte(text)); err == nil {
			t.Errorf("%q was taken as %+v", text, r)
		}
	}
}

func FuzzParseResult(f *testing.F) {
	f.Add([]byte(`{"last":"2026-01-02T03:04:05Z","good":"2026-01-02T03:04:05Z","failure":"x"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := agent.ParseResult(text); err == nil && r.Last.IsZero() {
			t.Errorf("%q: %+v", text, r)
		}
	})
}
