package ship_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/retry"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/storage"
)

const (
	key       = "db1/orders/Data.zip"
	chunkSize = 1000
)

// artifact is a captured artifact: its bytes, and its chunks in a real spool.
type artifact struct {
	data   []byte
	spool  *spool.Spool
	chunks []spool.Chunk
}

// capture makes an artifact of n bytes.
func capture(t testing.TB, n int) *artifact {
	t.Helper()
	s, err := spool.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	a := &artifact{data: noise(n), spool: s}
	w := s.Writer(context.Background(), chunkSize, func(spool.Chunk) error { return nil })
	if _, err := w.Write(a.data); err != nil {
		t.Fatal(err)
	}
	if _, a.chunks, err = w.Finish(); err != nil {
		t.Fatal(err)
	}
	return a
}

func noise(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(p) // never fails
	return p
}

// quick are options whose retries take no time.
func quick() ship.Options {
	return ship.Options{Key: key, ChunkSize: chunkSize, Workers: 2, Retry: retry.Policy{
		Initial: time.Microsecond, Max: time.Millisecond, Tries: 5, Total: 10 * time.Second, Timeout: 10 * time.Second}}
}

func target(label string, s storage.Storage) ship.Target {
	return ship.Target{Label: label, Storage: s}
}

// start begins a shipment that ends with the test at the latest.
func start(t testing.TB, o ship.Options, targets ...ship.Target) *ship.Shipment {
	t.Helper()
	s, err := ship.Start(t.Context(), targets, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	return s
}

// shipAll offers all chunks and waits for the end.
func (a *artifact) shipAll(t testing.TB, o ship.Options, targets ...ship.Target) (*ship.Shipment, []ship.Result) {
	t.Helper()
	s := start(t, o, targets...)
	a.offer(t, s)
	return s, s.Wait(t.Context())
}

func (a *artifact) offer(t testing.TB, s *ship.Shipment) {
	t.Helper()
	for _, c := range a.chunks {
		if err := s.Offer(c); err != nil {
			t.Errorf("offer chunk %d: %v", c.Index, err)
			break
		}
	}
	s.Finish()
}

func (a *artifact) commit(t testing.TB, to ship.Target, token string) error {
	t.Helper()
	return ship.Commit(t.Context(), to, token, key, int64(len(a.data)), a.chunks, quick())
}

// stored fails the test unless the store holds exactly the artifact.
func (a *artifact) stored(t testing.TB, s dirStore) {
	t.Helper()
	got, err := os.ReadFile(s.object(key))
	if err != nil || !bytes.Equal(got, a.data) {
		t.Errorf("the target holds %d bytes, not the %d of the artifact (%v)", len(got), len(a.data), err)
	}
}

// missing fails the test when the store holds something under the key.
func missing(t testing.TB, s dirStore) {
	t.Helper()
	if _, err := os.Stat(s.object(key)); err == nil {
		t.Error("the target holds an object")
	}
}

// notes is a journal in memory.
type notes struct {
	mu      sync.Mutex
	tokens  map[string]string
	arrived map[string][]int
	fail    error
}

func (n *notes) UploadBegun(label, token string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return n.fail
	}
	if n.tokens == nil {
		n.tokens = map[string]string{}
	}
	n.tokens[label] = token
	return nil
}

func (n *notes) ChunksArrived(label string, indices []int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return n.fail
	}
	if n.arrived == nil {
		n.arrived = map[string][]int{}
	}
	n.arrived[label] = append(n.arrived[label], indices...)
	slices.Sort(n.arrived[label])
	return nil
}

// upTo returns 0 to n-1.
func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// released collects what a shipment released.
type released struct {
	mu  sync.Mutex
	all []int
}

func (r *released) add(c spool.Chunk) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, c.Index)
}

func (r *released) sorted() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(slices.Values(r.all))
}

// noLeaks fails the test when goroutines are left that it did not begin with.
func noLeaks(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 100 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		buf := make([]byte, 1<<16)
		t.Errorf("goroutines left:\n%s", buf[:runtime.Stack(buf, true)])
	})
}

// failedOf returns the labels that failed.
func failedOf(results []ship.Result) (labels []string) {
	for _, r := range results {
		if r.Err != nil {
			labels = append(labels, r.Label)
		}
	}
	return labels
}

func says(t testing.TB, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(p)) {
			t.Errorf("error %v does not say %q", err, p)
		}
	}
}

func chunkName(i int) string { return fmt.Sprintf("chunk %d", i) }
