package store_test

import (
	"testing"

	"github.com/drydock-backup/drydock/plugins/compress/store"
	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/compresstest"
	"github.com/drydock-backup/drydock/sdk/conformance"
)

func TestMain(m *testing.M) { conformance.Main(m, func() { compress.Serve(store.Provider()) }) }

// open opens the provider as the SDK does, from JSON.
func open(t compresstest.T, config string) compress.Compressor {
	t.Helper()
	c, diags, err := store.Provider().Open(t.Context(), []byte(config))
	if err != nil || len(diags) > 0 {
		t.Fatalf("open: %v, %v", diags, err)
	}
	return c
}

func TestConformance(t *testing.T) {
	compresstest.Run(t, compresstest.Subject{Open: func(t compresstest.T) compress.Compressor { return open(t, `{}`) }})
}

func TestConformanceSpawned(t *testing.T) {
	self := func(t compresstest.T) conformance.Binary { return conformance.Self(t, "compress", "store") }
	compresstest.Run(t, compresstest.Spawned(self, map[string]any{}))
}
