package schema_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/sdk/schema"
)

// TestSecret prints a secret in every way that comes to mind.
func TestSecret(t *testing.T) {
	s := schema.Secret("hunter22")
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %v %+v %#v %q %x", s, s, struct{ S schema.Secret }{s}, s, s, s)
	slog.New(slog.NewTextHandler(&out, nil)).Info("it", "s", s)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("it", "s", []schema.Secret{s})
	text, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	if strings.Contains(out.String(), "hunter22") || strings.Contains(out.String(), fmt.Sprintf("%x", "hunter22")) {
		t.Errorf("it shows: %s", &out)
	}
	if s.Reveal() != "hunter22" {
		t.Error("it cannot be revealed")
	}
}

// TestDiagnostics takes errors of providers apart.
func TestDiagnostics(t *testing.T) {
	plain := errors.New("plain")
	tests := []struct {
		name string
		err  error
		want []schema.Diagnostic
		rest error
	}{
		{"nil", nil, nil, nil},
		{"plain", plain, nil, plain},
		{"one", schema.Invalid("a", "b", "c"), []schema.Diagnostic{{Path: []string{"a"}, Summary: "b", Detail: "c"}}, nil},
		{"whole block", schema.Invalid("", "b", ""), []schema.Diagnostic{{Summary: "b"}}, nil},
		{"wrapped", fmt.Errorf("open: %w", schema.Invalid("a", "b", "")), []schema.Diagnostic{{Path: []string{"a"}, Summary: "b"}}, nil},
		{"joined", errors.Join(schema.Invalid("a", "1", ""), fmt.Errorf("x: %w", errors.Join(schema.Invalid("b", "2", "")))),
			[]schema.Diagnostic{{Path: []string{"a"}, Summary: "1"}, {Path: []string{"b"}, Summary: "2"}}, nil},
	}
	for _, tt := range tests {
		diags, rest := schema.Diagnostics(tt.err)
		if diff := cmp.Diff(tt.want, diags); diff != "" || !errors.Is(rest, tt.rest) {
			t.Errorf("%s: rest %v\n%s", tt.name, rest, diff)
		}
	}
}

func TestUnknownProviderError(t *testing.T) {
	err := &schema.UnknownProviderError{Kind: "storage", Name: "flie", Known: []string{"file", "s3"}}
	if want := `unknown storage provider "flie" (known: file, s3)`; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}
