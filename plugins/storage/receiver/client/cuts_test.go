package client_test

import (
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/cuts"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/client"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// R5.2, R5.3, R8.3: a hundred cuts at random bytes of one transfer.
func TestCuts(t *testing.T) {
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{})
	bundle := r.Enroll(t, "shop")
	cuts.Anywhere(t, cuts.Service{
		Addr: r.Address, Chunk: 256 << 10,
		Open: func(addr string) storage.Storage { return open(t, bundle, addr) },
	}, 100)
}

// open returns a client that reaches its receiver at an address.
func open(t testing.TB, target map[string]any, addr string) *client.Storage {
	t.Helper()
	s, err := client.New(client.Config{
		Address: addr, CAFile: target["ca_file"].(string), CertFile: target["cert_file"].(string), KeyFile: target["key_file"].(string),
		Connections: 4, ConnectTimeout: 30 * time.Second, StallTimeout: 2 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
