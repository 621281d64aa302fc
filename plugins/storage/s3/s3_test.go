package s3_test

import (
	"encoding/json"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/s3"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/storagetest"
)

func TestMain(m *testing.M) { conformance.Main(m, func() { storage.Serve(s3.Provider()) }) }

// config is the provider's configuration for a bucket, as a job's block says it.
func config(s *testenv.S3, bucket string, more map[string]any) map[string]any {
	c := map[string]any{"endpoint": s.Endpoint, "path_style": true, "bucket": bucket, "access_key": s.AccessKey, "secret_key": s.SecretKey}
	for name, value := range more {
		c[name] = value
	}
	return c
}

// open opens the provider in this process.
func open(t storagetest.T, c map[string]any) storage.Storage {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatalf("encode the configuration: %v", err)
	}
	store, diags, err := s3.Provider().Open(t.Context(), text)
	if err != nil || len(diags) > 0 {
		t.Fatalf("open: %v %v", diags, err)
	}
	return store
}

// The whole suite, in processes of their own, against two servers (S3, S7). Chunks have the least size that S3 takes.
func TestConformance(t *testing.T) {
	testenv.EachS3(t, func(t *testing.T, start func(testing.TB) *testenv.S3) {
		server := start(t)
		suite := storagetest.Spawned(
			func(t storagetest.T) conformance.Binary { return conformance.Self(t, "storage", "s3") },
			func(place string) map[string]any { return config(server, place, map[string]any{"prefix": "mysql/"}) })
		suite.Place = func(storagetest.T) string { return server.Bucket(t, false) }
		suite.ChunkSize = 5 << 20
		storagetest.Run(t, suite)
	})
}
