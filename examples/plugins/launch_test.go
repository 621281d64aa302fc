package plugins_test

import (
	"context"
	"os"
	"testing"

	"github.com/drydock-backup/drydock/sdk/host"
)

// launch starts the Python plugin and does not configure it.
func launch(t *testing.T, path string) *host.Process {
	t.Helper()
	dir, err := os.MkdirTemp("", "ddx") // short, for the socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p, err := host.Start(t.Context(), host.Command{
		Kind: "notify", Name: "ntfy", Path: path, Env: []string{"PATH=/usr/bin:/bin"}, SocketDir: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return p
}
