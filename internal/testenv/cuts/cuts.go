// Package cuts proves that an upload goes on through a network that is cut again and again, and a service that refuses: [Prove]
// for services that speak plain HTTP, [Anywhere] for those whose connections nobody looks into.
package cuts

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"io"
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
	"github.com/drydock-backup/drydock/sdk/storage"
)

const (
	times    = 100
	refusals = 20
	workers  = 4
)

// Service is what is put to the proof.
type Service struct {
	Addr     string                            // of the real server
	Open     func(addr string) storage.Storage // opens the provider for the server as it is seen at another address
	IsChunk  func(r *http.Request) bool        // tells the requests that send chunks
	Overhead int64                             // bytes that a request for a chunk may have besides the chunk
	Chunk    int64                             // bytes

	// Whole has every chunk read to its end before it is passed on. Azurite keeps a place for each body that breaks off, for
	// ever, and after fifty of them takes no more; no real service does.
	Whole bool
}

// Prove cuts the network a hundred times, each time while chunks are on their way, and has the service answer twenty times
// with 503. The upload has to complete, and to be read back whole; for each cut and refusal at most one chunk for each worker
// may have been sent again (R5.2, R8.3).
func Prove(t *testing.T, s Service) {
	t.Helper()
	var received, refused, requests atomic.Int64
	front := testenv.NewFront(t, s.Addr)
	front.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if !s.IsChunk(r) {
			return false
		}
		r.Body = &counted{r.Body, &received}
		if requests.Add(1)%5 != 0 || refused.Load() >= refusals {
			return false
		}
		if refused.Add(1) <= 2 {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	if s.Whole {
		front.Outlasts = time.Minute
		passed := front.Before
		front.Before = func(w http.ResponseWriter, r *http.Request) bool {
			if passed(w, r) {
				return true
			}
			whole(r)
			return false
		}
	}
	proxy := testenv.Toxiproxy(t, front.Addr)
	chunks, size := artifact(t, times+8, s.Chunk)
	o, tick := options(s.Chunk, size)
	target := ship.Target{Label: "offsite", Storage: s.Open(proxy.Addr())}
	shipment, err := ship.Start(t.Context(), []ship.Target{target}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer shipment.Stop()
	defer close(tick.quit)
	for _, c := range chunks {
		if err := shipment.Offer(c); err != nil {
			t.Fatal(err)
		}
	}
	shipment.Finish()
	ended := results(t, shipment)
	for i := range times {
		select {
		case <-tick.arrived:
		case r := <-ended:
			t.Fatalf("the upload ended after %d cuts: %v", i, r.Err)
		case <-time.After(5 * time.Minute):
			t.Fatalf("no chunk arrives after %d cuts", i)
		}
		proxy.Down()
		proxy.Up(t)
		tick.done <- struct{}{}
	}
	result := <-ended
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	sent := requests.Load()
	again, bound := received.Load()-size-sent*s.Overhead, (times*workers+refused.Load())*s.Chunk
	t.Logf("%d cuts, %d refusals: %d KiB of %d sent again; the bound is %d", times, refused.Load(), again>>10, size>>10, bound>>10)
	if refused.Load() != refusals || again > bound || sent <= int64(len(chunks)) {
		t.Errorf("%d refusals, %d bytes sent again in %d requests", refused.Load(), again, sent)
	}
	o.Progress = nil
	if err := ship.Commit(t.Context(), target, result.Token, o.Key, size, chunks, o); err != nil { // reads everything back
		t.Fatal(err)
	}
}

// results gives the result of a shipment to one target, once it has ended.
func results(t *testing.T, s *ship.Shipment) <-chan ship.Result {
	ended := make(chan ship.Result, 1)
	go func() { ended <- s.Wait(t.Context())[0] }()
	return ended
}

// whole reads a request's body to its end.
func whole(r *http.Request) {
	data, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(data))
	if err != nil || int64(len(data)) < r.ContentLength {
		panic(http.ErrAbortHandler) // the client is gone
	}
}

// ticker is told of every chunk that arrives while there are cuts to come, and waits for the cut.
type ticker struct {
	arrived, done, quit chan struct{}
}

func options(chunk, size int64) (ship.Options, *ticker) {
	tick := &ticker{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	var arrived atomic.Int64
	return ship.Options{
		Key: "db/Data.zip", ChunkSize: chunk, Size: size, Workers: workers,
		Retry: retry.Policy{Initial: 5 * time.Millisecond, Max: 50 * time.Millisecond, Tries: 10_000, Total: 10 * time.Minute},
		Progress: func(string, int64) { // while the other workers send theirs
			if arrived.Add(1) <= times {
				select {
				case tick.arrived <- struct{}{}:
					<-tick.done
				case <-tick.quit:
				}
			}
		},
	}, tick
}

// artifact makes n chunks, of a few files that are used again and again.
func artifact(t *testing.T, n int, length int64) (chunks []spool.Chunk, size int64) {
	t.Helper()
	const different = 4
	files := make([]spool.Chunk, different)
	for i := range files {
		data := make([]byte, length)
		_, _ = rand.Read(data) // never fails
		path := filepath.Join(t.TempDir(), "chunk")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		files[i] = spool.Chunk{Length: length, SHA256: sha256.Sum256(data), Path: path}
	}
	for i := range n {
		c := files[i*i%7%different] // no simple pattern, so that a chunk in another's place shows
		c.Index = i
		chunks = append(chunks, c)
	}
	return chunks, int64(n) * length
}
