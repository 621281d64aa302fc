package client_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/retry"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// kills is the environment variable that says how often a torture kills; `make torture WHAT=receiver` sets it.
const kills = "DRYDOCK_KILLS"

// What a transfer is made of. Chunks are small, so that a kill meets every part of the server's work.
const (
	tortureChunk  = 256 << 10
	tortureChunks = 32
)

// The receiver is killed with SIGKILL at random moments of transfers, and started again. Every transfer completes, from the
// chunks that the receiver knows of; nothing that was committed is lost or wrong, then and at the end; nothing is left behind.
// Now and then the agent is another one after a kill, and resumes by the token alone (R5.1, R5.2, R5.3, R5.4, R5.5).
func TestKilledReceivers(t *testing.T) {
	want := 12
	if n, err := strconv.Atoi(os.Getenv(kills)); err == nil && n > 0 {
		want = n
	}
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{})
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	k := &killing{r: r, random: mathrand.New(mathrand.NewPCG(seed, 0)), bundle: r.Enroll(t, "shop"), pool: chunkPool(t),
		stored: map[string][]spool.Chunk{}}
	began := time.Now()
	k.transfer(t, 0)
	k.pause = time.Since(began) / 2
	for k.killed < want {
		k.transfer(t, want)
	}
	r.Kill(t)
	r.Start(t)
	k.verify(t)
	t.Logf("torture: %d receivers killed in %d transfers, %d of them resumed by another agent: all completed, none lost or wrong; "+
		"%d chunks were sent %d times", k.killed, len(k.stored), k.resumed, len(k.stored)*tortureChunks, k.sent.Load())
}

// killing is one campaign.
type killing struct {
	r       *testenv.Receiver
	random  *mathrand.Rand
	bundle  map[string]any
	pool    []spool.Chunk
	stored  map[string][]spool.Chunk // by key
	killed  int
	resumed int
	pause   time.Duration // the longest before a kill: half of what a transfer takes that nobody disturbs
	sent    atomic.Int64  // calls that sent a chunk
}

func chunkPool(t *testing.T) []spool.Chunk {
	t.Helper()
	pool := make([]spool.Chunk, tortureChunks)
	dir := t.TempDir()
	for i := range pool {
		data := make([]byte, tortureChunk)
		_, _ = rand.Read(data) // never fails
		pool[i] = spool.Chunk{Length: tortureChunk, SHA256: sha256.Sum256(data), Path: filepath.Join(dir, strconv.Itoa(i))}
		if err := os.WriteFile(pool[i].Path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return pool
}

// transfer takes one object the whole way, while receivers die.
func (k *killing) transfer(t *testing.T, want int) {
	t.Helper()
	key := fmt.Sprintf("run-%d/Data.zip", len(k.stored))
	chunks := make([]spool.Chunk, tortureChunks)
	for i, from := range k.random.Perm(tortureChunks) {
		chunks[i] = k.pool[from]
		chunks[i].Index = i
	}
	first, second := k.agent(t), k.agent(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var wg sync.WaitGroup
	defer func() { cancel(); wg.Wait() }()
	wg.Go(func() { done <- k.ship(ctx, first, second, key, chunks) })
	for k.killed < want {
		select {
		case err := <-done:
			done <- err
		case <-time.After(time.Duration(k.random.Int64N(int64(k.pause)))):
			k.r.Kill(t)
			k.killed++
			k.r.Start(t)
			continue
		}
		break
	}
	if err := <-done; err != nil {
		t.Fatalf("transfer of %s: %v", key, err)
	}
	k.stored[key] = chunks
}

// agent is a client that counts the chunks that it sends.
type agent struct {
	storage.Storage
	sent *atomic.Int64
}

// PutChunk sends a chunk.
func (a agent) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	a.sent.Add(1)
	return a.Storage.PutChunk(ctx, token, c)
}

func (k *killing) agent(t *testing.T) ship.Target {
	return ship.Target{Label: "vault", Storage: agent{open(t, k.bundle, k.r.Address), &k.sent}}
}

func options(key string) ship.Options {
	return ship.Options{
		Key: key, ChunkSize: tortureChunk, Size: tortureChunk * tortureChunks, Workers: 4,
		Retry: retry.Policy{Initial: 5 * time.Millisecond, Max: 100 * time.Millisecond, Tries: 100_000, Total: 10 * time.Minute},
	}
}

// ship is what an agent does: it ships, commits, and reads everything back. In every third transfer the agent dies on the way,
// and another one goes on with nothing but the token.
func (k *killing) ship(ctx context.Context, target, next ship.Target, key string, chunks []spool.Chunk) error {
	o := options(key)
	if len(k.stored)%3 == 2 {
		token, err := shipped(ctx, target, chunks[:tortureChunks/2], o)
		if err != nil {
			return err
		}
		target = next
		target.Token = token
		k.resumed++
	}
	token, err := shipped(ctx, target, chunks, o)
	if err != nil {
		return err
	}
	return ship.Commit(ctx, target, token, key, o.Size, chunks, o)
}

// shipped ships chunks and returns the upload's token.
func shipped(ctx context.Context, target ship.Target, chunks []spool.Chunk, o ship.Options) (token string, err error) {
	s, err := ship.Start(ctx, []ship.Target{target}, o)
	if err != nil {
		return "", err
	}
	defer s.Stop()
	for _, c := range chunks {
		if err := s.Offer(c); err != nil {
			return "", err
		}
	}
	s.Finish()
	result := s.Wait(ctx)[0]
	return result.Token, result.Err
}

// verify reads back whatever was committed, and looks for what nobody will ever commit.
func (k *killing) verify(t *testing.T) {
	t.Helper()
	target := k.agent(t)
	listed := 0
	err := target.Storage.List(t.Context(), "", func(storage.Object) error { listed++; return nil })
	if err != nil || listed != len(k.stored) {
		t.Errorf("%d objects of %d are listed, error %v", listed, len(k.stored), err)
	}
	for key, chunks := range k.stored {
		if err := ship.Verify(t.Context(), target, key, chunks, options(key)); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	// An upload whose token never reached the agent has no chunks, and expires.
	left, err := filepath.Glob(filepath.Join(k.r.Root, "shop", ".drydock-uploads", "*", "chunks"))
	for _, name := range left {
		if info, e := os.Stat(name); e != nil || info.Size() > 0 {
			t.Errorf("left of an upload: %s, %v", name, e)
		}
	}
	if err != nil {
		t.Error(err)
	}
}
