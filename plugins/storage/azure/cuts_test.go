package azure_test

import (
	"net/http"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/cuts"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// R5.2, R8.3: a hundred cuts and twenty refusals.
func TestCuts(t *testing.T) {
	a := testenv.StartAzurite(t)
	container, _ := a.Container(t)
	cuts.Prove(t, cuts.Service{
		Addr: a.Addr, Chunk: 1 << 20, Whole: true,
		Open:    func(addr string) storage.Storage { return open(t, settings(a.Behind(addr), container)) },
		IsChunk: func(r *http.Request) bool { return r.URL.Query().Get("comp") == "block" && r.ContentLength > 1 },
	})
}
