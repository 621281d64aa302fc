package gcs_test

import (
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/gcs"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/storagetest"
)

func TestMain(m *testing.M) { conformance.Main(m, func() { storage.Serve(gcs.Provider()) }) }

// settings configures the provider for a bucket, with a service account.
func settings(g *testenv.GCSServer, a *testenv.GoogleAccount, bucket string) map[string]any {
	return map[string]any{"bucket": bucket, "endpoint": g.Endpoint, "credentials": a.File, "prefix": "mysql/"}
}

// R5.3, R10.3: the whole suite, in a process of its own.
func TestConformanceSpawned(t *testing.T) {
	g, a := testenv.StartGCS(t), testenv.NewGoogleAccount(t)
	s := storagetest.Spawned(
		func(t storagetest.T) conformance.Binary { return conformance.Self(t, "storage", "gcs") },
		func(bucket string) map[string]any { return settings(g, a, bucket) },
	)
	name := g.Bucket(t)
	s.Place = func(storagetest.T) string { return name }
	s.Process.Secrets = []string{a.Token}
	s.Objects = 60
	storagetest.Run(t, s)
}
