package azure_test

import (
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/azure"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/storagetest"
)

func TestMain(m *testing.M) { conformance.Main(m, func() { storage.Serve(azure.Provider()) }) }

// settings configures the provider for a container of an Azurite.
func settings(a *testenv.AzuriteServer, container string) map[string]any {
	return map[string]any{
		"account": testenv.AzuriteAccount, "container": container, "endpoint": a.Endpoint, "account_key": testenv.AzuriteKey,
		"prefix": "mysql/",
	}
}

// R5.3, R10.3: the whole suite, in a process of its own, against Microsoft's own emulator.
func TestConformanceSpawned(t *testing.T) {
	a := testenv.StartAzurite(t)
	s := storagetest.Spawned(
		func(t storagetest.T) conformance.Binary { return conformance.Self(t, "storage", "azure") },
		func(container string) map[string]any { return settings(a, container) },
	)
	name, _ := a.Container(t)
	s.Place = func(storagetest.T) string { return name }
	s.Process.Secrets = []string{testenv.AzuriteKey}
	s.Objects = 300
	storagetest.Run(t, s)
}
