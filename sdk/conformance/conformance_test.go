package conformance_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/conformance"
)

func TestRunReportsWhatTheCaseDid(t *testing.T) {
	tests := []struct {
		name   string
		run    func(t conformance.T)
		passed bool
		log    string
	}{
		{"nothing", func(conformance.T) {}, true, ""},
		{"log", func(t conformance.T) { t.Logf("hello %d", 1) }, true, "hello 1"},
		{"error", func(t conformance.T) { t.Errorf("bad"); t.Logf("went on") }, false, "bad\nwent on"},
		{"fatal", func(t conformance.T) { t.Fatalf("bad"); t.Logf("went on") }, false, "bad"},
		{"failing cleanup", func(t conformance.T) { t.Cleanup(func() { t.Errorf("late") }) }, false, "late"},
		{"cleanup order", func(t conformance.T) {
			t.Cleanup(func() { t.Logf("first") })
			t.Cleanup(func() { t.Logf("second") })
		}, true, "second\nfirst"},
		{"context", func(t conformance.T) { <-t.Context().Done(); t.Errorf("%v", t.Context().Err()) }, false,
			context.DeadlineExceeded.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := conformance.Run(t.Context(), conformance.Case{Name: tt.name, Run: tt.run}, 50*time.Millisecond)
			if r.Passed != tt.passed || strings.Join(r.Log, "\n") != tt.log {
				t.Errorf("passed %v, log %q; want %v, %q", r.Passed, r.Log, tt.passed, tt.log)
			}
		})
	}
}

func TestRunSurvivesAPanic(t *testing.T) {
	r := conformance.Run(t.Context(), conformance.Case{Run: func(conformance.T) { panic("boom") }}, time.Minute)
	if r.Passed || len(r.Log) != 1 || !strings.HasPrefix(r.Log[0], "panic: boom") {
		t.Errorf("result %+v; want a failure that quotes the panic", r)
	}
}

func TestRunRemovesTheTemporaryDirectory(t *testing.T) {
	var dir string
	r := conformance.Run(t.Context(), conformance.Case{Run: func(t conformance.T) {
		dir = t.TempDir()
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("temporary directory: %v", err)
		}
	}}, time.Minute)
	if _, err := os.Stat(dir); !r.Passed || !os.IsNotExist(err) {
		t.Errorf("result %+v, directory afterwards: %v; want it gone", r, err)
	}
}
