package s3_test

import (
	"net/http"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/cuts"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// partSize is the least that a part can have, in bytes.
const partSize = 5 << 20

// R5.2, R8.3: a hundred cuts and twenty refusals.
func TestCuts(t *testing.T) {
	server := testenv.VersityGW(t)
	bucket := server.Bucket(t, false)
	cuts.Prove(t, cuts.Service{
		Addr: server.Addr, Chunk: partSize,
		Open:    func(addr string) storage.Storage { return open(t, config(server.Behind(addr), bucket, nil)) },
		IsChunk: func(r *http.Request) bool { return r.URL.Query().Get("partNumber") != "" },
	})
}
