package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/internal/testenv"
)

const (
	largeNoise = 1 << 20 // bytes of each GiB that are not zero
	largeAhead = 12      // chunks that may lie in the spool
)

// receiverLarge takes a sparse artifact the whole way: read and cut into chunks by a spool in memory, sent by a provider's
// process, assembled and committed, and read back and digested once more.
func (b *bench) receiverLarge() {
	size := int64(b.large) << 30
	source := b.holes(size)
	r := testenv.NewReceiver(b.t, testenv.ReceiverSettings{})
	p := b.provider("storage", "receiver", r.Enroll(b.t, "bench"))
	store, err := p.Storage()
	if err != nil {
		b.t.Fatal(err)
	}
	var early [2]int64 // peaks when a tenth was there
	target, o := ship.Target{Label: "vault", Storage: store}, ship.Options{Key: "Data.zip", ChunkSize: transferPart}
	o.Progress = func(_ string, bytes int64) {
		if early[0] == 0 && bytes >= size/10 {
			early = [2]int64{b.highest(r.PID()), b.highest(p.PID())}
		}
	}
	began := time.Now()
	token, chunks := b.shipLarge(source, target, o)
	sent := time.Since(began)
	o.Progress = nil
	if err := ship.Commit(b.ctx(), target, token, o.Key, size, chunks, o); err != nil {
		b.t.Fatal(err)
	}
	committed := time.Since(began)
	if err := ship.Verify(b.ctx(), target, o.Key, chunks, o); err != nil {
		b.t.Fatal(err)
	}
	rate := func(d time.Duration) float64 { return float64(size) / d.Seconds() / (1 << 20) }
	fmt.Printf("  %d GiB, sparse, %d chunks: cut and sent in %.0f s (%.0f MiB/s), committed in %.1f s, read back in %.0f s "+
		"(%.0f MiB/s)\n", b.large, len(chunks), sent.Seconds(), rate(sent), (committed - sent).Seconds(), (time.Since(began) - committed).Seconds(),
		rate(time.Since(began)-committed))
	fmt.Printf("  on the receiver's disk: %.0f MiB; peak memory when a tenth was there and at the end: receiver %.0f and %.0f MiB, "+
		"client %.0f and %.0f MiB\n", mib(b.allocated(filepath.Join(r.Root, "bench", "Data.zip"))), mib(early[0]), mib(b.highest(r.PID())),
		mib(early[1]), mib(b.highest(p.PID())))
}

// holes makes a file of zeros with a little noise in each GiB.
func (b *bench) holes(size int64) *os.File {
	f, err := os.Create(filepath.Join(b.dir, "sparse"))
	if err == nil {
		err = f.Truncate(size)
	}
	for at := int64(123); at < size && err == nil; at += 1 << 30 {
		_, err = io.CopyN(io.NewOffsetWriter(f, at), rand.Reader, largeNoise)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = f.Close() })
	return f
}

// shipLarge cuts a file into chunks and ships them meanwhile. The spool stays small: cutting waits for shipping.
func (b *bench) shipLarge(source *os.File, target ship.Target, o ship.Options) (token string, chunks []spool.Chunk) {
	dir, err := os.MkdirTemp(inMemory, "drydock-bench-")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	sp, err := spool.Create(filepath.Join(dir, "spool"))
	if err != nil {
		b.t.Fatal(err)
	}
	room := make(chan struct{}, largeAhead)
	o.Release = func(c spool.Chunk) {
		if err := sp.Remove(c.Index); err != nil {
			b.t.Errorf("remove chunk %d: %v", c.Index, err)
		}
		<-room
	}
	s, err := ship.Start(b.ctx(), []ship.Target{target}, o)
	if err != nil {
		b.t.Fatal(err)
	}
	defer s.Stop()
	w := sp.Writer(b.ctx(), o.ChunkSize, func(c spool.Chunk) error {
		select {
		case room <- struct{}{}:
			return s.Offer(c)
		case <-b.ctx().Done():
			return b.ctx().Err()
		}
	})
	_, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{source}, make([]byte, plainBuffer))
	if err == nil {
		_, chunks, err = w.Finish()
	}
	if err != nil {
		w.Abort()
		b.t.Fatal(err)
	}
	s.Finish()
	result := s.Wait(b.ctx())[0]
	if result.Err != nil {
		b.t.Fatal(result.Err)
	}
	return result.Token, chunks
}

// allocated returns how much of the disk a file takes.
func (b *bench) allocated(name string) int64 {
	out, err := exec.CommandContext(b.ctx(), "du", "-k", name).Output()
	var kb int64
	if err == nil {
		_, err = fmt.Sscan(string(out), &kb)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return kb << 10
}
