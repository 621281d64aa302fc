// Package jobs_test loads the example job files with the schemas of the real providers.
package jobs_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/drydock-backup/drydock/hcl"
	"github.com/drydock-backup/drydock/plugins/compress/deflate"
	"github.com/drydock-backup/drydock/plugins/compress/store"
	"github.com/drydock-backup/drydock/plugins/compress/zstd"
	"github.com/drydock-backup/drydock/plugins/notify/webhook"
	"github.com/drydock-backup/drydock/plugins/storage/azure"
	"github.com/drydock-backup/drydock/plugins/storage/file"
	"github.com/drydock-backup/drydock/plugins/storage/gcs"
	receiver "github.com/drydock-backup/drydock/plugins/storage/receiver/client"
	"github.com/drydock-backup/drydock/plugins/storage/s3"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// builtIn are the schemas of the providers that drydock comes with.
type builtIn map[string]*schema.Schema

func (b builtIn) Schema(_ context.Context, kind, name string) (*schema.Schema, error) {
	if sc := b[kind+" "+name]; sc != nil {
		return sc, nil
	}
	return nil, &schema.UnknownProviderError{Kind: kind, Name: name}
}

func TestExamplesWithRealProviders(t *testing.T) {
	files, err := filepath.Glob("*.hcl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	loader := &hcl.Loader{
		Schemas: builtIn{
			"storage azure":    azure.Provider().Schema,
			"storage file":     file.Provider().Schema,
			"storage gcs":      gcs.Provider().Schema,
			"storage receiver": receiver.Provider().Schema,
			"storage s3":       s3.Provider().Schema,
			"compress zstd":    zstd.Provider().Schema,
			"compress deflate": deflate.Provider().Schema,
			"compress store":   store.Provider().Schema,
			"notify webhook":   webhook.Provider().Schema,
		},
		ReadFile: func(string) ([]byte, error) { return []byte("https://secret.example.com\n"), nil },
		Getenv:   func(string) (string, bool) { return "/run/credentials/drydock.service", true },
	}
	for _, name := range files {
		t.Run(name, func(t *testing.T) {
			result, diags := loader.LoadFiles(t.Context(), name)
			if len(diags) > 0 || len(result.Jobs) == 0 {
				var b bytes.Buffer
				_ = diags.WriteText(&b, false, 100)
				t.Errorf("%d jobs, diagnostics:\n%s", len(result.Jobs), b.String())
			}
		})
	}
}
