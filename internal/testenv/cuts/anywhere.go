package cuts

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Anywhere cuts the connections of one upload as many times as it is told, each time at random bytes, in either direction, in
// the middle of handshakes, headers and chunks. The upload has to complete and to be read back whole; for each connection that
// was cut under a chunk at most that chunk may have been sent again (R5.2, R8.3). Of s it uses Addr, Open and Chunk.
func Anywhere(t *testing.T, s Service, cuts int) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	proxy := testenv.Toxiproxy(t, s.Addr)
	relay := newRelay(t, proxy.Addr())
	store := &watched{Storage: s.Open(relay.addr)}
	target := ship.Target{Label: "offsite", Storage: store}
	o, _ := options(s.Chunk, 0)
	o.Progress = nil
	shipment, err := ship.Start(t.Context(), []ship.Target{target}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer shipment.Stop()
	if err := shipment.Begun(t.Context())[0].Err; err != nil { // a cut that no handshake survives would end only with a chunk
		t.Fatal(err)
	}
	ended := results(t, shipment)
	supply := &supply{t: t, s: shipment, store: store, length: s.Chunk}
	for range cuts {
		direction, most := testenv.ToServer, 2*s.Chunk
		if random.IntN(4) == 0 {
			direction, most = testenv.ToClient, 4<<10
		}
		before := store.failed.Load()
		proxy.CutAfter(t, direction, 1+random.Int64N(most))
		testenv.Eventually(t, 5*time.Minute, "a cut is felt", func() bool {
			select {
			case r := <-ended:
				t.Fatalf("the upload ended: %v", r.Err)
			default:
			}
			supply.more()
			return store.failed.Load() > before
		})
	}
	proxy.Heal(t)
	shipment.Finish()
	result := <-ended
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	size := int64(len(supply.chunks)) * s.Chunk
	again, bound := relay.sent.Load()-size, store.failed.Load()*s.Chunk
	t.Logf("%d cuts, felt by %d chunks: %d KiB of %d sent again, with headers and handshakes; the bound is %d", cuts,
		store.failed.Load(), again>>10, size>>10, bound>>10)
	if again <= 0 || again > bound {
		t.Errorf("%d bytes sent again", again)
	}
	// Commit reads everything back.
	if err := ship.Commit(t.Context(), target, result.Token, o.Key, size, supply.chunks, o); err != nil {
		t.Fatal(err)
	}
}

// watched counts how the calls that send chunks end.
type watched struct {
	storage.Storage
	arrived, failed atomic.Int64
}

// PutChunk sends a chunk.
func (w *watched) PutChunk(ctx context.Context, token string, c storage.Chunk) error {
	err := w.Storage.PutChunk(ctx, token, c)
	if err != nil {
		w.failed.Add(1)
	} else {
		w.arrived.Add(1)
	}
	return err
}

// supply offers chunks for as long as they are wanted: never so few that a worker has nothing to do.
type supply struct {
	t      *testing.T
	s      *ship.Shipment
	store  *watched
	length int64
	pool   []spool.Chunk
	chunks []spool.Chunk // offered so far
}

func (s *supply) more() {
	s.t.Helper()
	if s.pool == nil {
		s.pool, _ = artifact(s.t, 64, s.length)
	}
	for len(s.chunks) < int(s.store.arrived.Load())+4*workers {
		c := s.pool[len(s.chunks)%len(s.pool)]
		c.Index = len(s.chunks)
		if err := s.s.Offer(c); err != nil {
			s.t.Fatal(err)
		}
		s.chunks = append(s.chunks, c)
	}
}
