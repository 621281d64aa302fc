package gcs_test

import (
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/cuts"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// R5.2, R8.3: a hundred cuts and twenty refusals.
func TestCuts(t *testing.T) {
	g, account := testenv.StartGCS(t), testenv.NewGoogleAccount(t)
	bucket := g.Bucket(t)
	cuts.Prove(t, cuts.Service{
		Addr: g.Addr, Chunk: 1 << 20, Overhead: 1 << 10,
		Open:    func(addr string) storage.Storage { return open(t, settings(g.Behind(addr), account, bucket)) },
		IsChunk: func(r *http.Request) bool { return strings.HasPrefix(path.Base(r.URL.Query().Get("name")), "0") },
	})
}
