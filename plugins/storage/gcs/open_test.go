package gcs_test

import (
	"encoding/json"

	"github.com/drydock-backup/drydock/plugins/storage/gcs"
	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/storagetest"
)

// open opens the provider in this process, as a job's block configures it.
func open(t storagetest.T, c map[string]any) *gcs.Storage {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatalf("encode the configuration: %v", err)
	}
	var s storage.Storage
	s, diags, err := gcs.Provider().Open(t.Context(), text)
	if err != nil || len(diags) > 0 {
		t.Fatalf("open: %v %v", diags, err)
	}
	t.Cleanup(func() { _ = s.(*gcs.Storage).Close() })
	return s.(*gcs.Storage)
}
