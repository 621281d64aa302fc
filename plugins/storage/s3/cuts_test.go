package s3_test

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/retry"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/internal/testenv"
)

const partSize = 5 << 20

// artifact makes n chunks, of a few files that are used again and again.
func artifact(t *testing.T, n int) (chunks []spool.Chunk, size int64) {
	t.Helper()
	const different = 4
	files := make([]spool.Chunk, different)
	for i := range files {
		data := make([]byte, partSize)
		_, _ = rand.Read(data) // never fails
		path := filepath.Join(t.TempDir(), "chunk")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		files[i] = spool.Chunk{Length: partSize, SHA256: sha256.Sum256(data), Path: path}
	}
	for i := range n {
		c := files[i*i%7%different] // no simple pattern, so that a chunk in another's place shows
		c.Index = i
		chunks = append(chunks, c)
	}
	return chunks, int64(n) * partSize
}

// R5.2, R8.3: the network is cut a hundred times, each time while parts are on their way, and the service refuses twenty
// times. The upload completes, and for each cut at most one chunk for each worker is sent again.
func TestCuts(t *testing.T) {
	const cuts, refusals, workers = 100, 20, 4
	server := testenv.VersityGW(t)
	front := testenv.NewFront(t, server.Addr)
	var refused, requests atomic.Int64
	front.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("partNumber") == "" || requests.Add(1)%5 != 0 || refused.Load() >= refusals {
			return false
		}
		n := refused.Add(1)
		if n <= 2 {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	proxy := testenv.Toxiproxy(t, front.Addr)
	store := open(t, config(server.Behind(proxy.Addr()), server.Bucket(t, false), nil))
	chunks, size := artifact(t, cuts+8)

	cut, done, quit := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var arrived atomic.Int64
	o := ship.Options{
		Key: "db/Data.zip", ChunkSize: partSize, Size: size, Workers: workers,
		Retry: retry.Policy{Initial: 5 * time.Millisecond, Max: 50 * time.Millisecond, Tries: 10_000, Total: 10 * time.Minute},
		Progress: func(string, int64) { // after each chunk that arrived, while the other workers send theirs
			if arrived.Add(1) <= cuts {
				select {
				case cut <- struct{}{}:
					<-done
				case <-quit:
				}
			}
		},
	}
	target := ship.Target{Label: "offsite", Storage: store}
	shipment, err := ship.Start(t.Context(), []ship.Target{target}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer shipment.Stop()
	defer close(quit)
	for _, c := range chunks {
		if err := shipment.Offer(c); err != nil {
			t.Fatal(err)
		}
	}
	shipment.Finish()
	for i := range cuts {
		select {
		case <-cut:
		case <-time.After(5 * time.Minute):
			t.Fatalf("no chunk arrives after %d cuts", i)
		}
		proxy.Down()
		proxy.Up(t)
		done <- struct{}{}
	}
	results := shipment.Wait(t.Context())
	if err := results[0].Err; err != nil {
		t.Fatal(err)
	}
	again, bound := front.Received.Load()-size, (cuts*workers+refused.Load())*partSize
	t.Logf("%d cuts, %d refusals: %d MiB of %d sent again; the bound is %d", cuts, refused.Load(), again>>20, size>>20, bound>>20)
	if refused.Load() != refusals || again > bound || again <= 0 {
		t.Errorf("%d refusals, %d bytes sent again", refused.Load(), again)
	}
	o.Progress = nil
	if err := ship.Commit(t.Context(), target, results[0].Token, o.Key, size, chunks, o); err != nil { // reads everything back
		t.Fatal(err)
	}
}
