package spool

import (
	"crypto/sha256"
	"hash"
)

// digester hashes on a goroutine of its own, in step with the writer: start, then wait, so nothing is copied.
type digester struct {
	h    hash.Hash
	work chan []byte
	done chan struct{}
}

func newDigester() *digester {
	d := &digester{h: sha256.New(), work: make(chan []byte), done: make(chan struct{})}
	go func() {
		for p := range d.work {
			d.h.Write(p)
			d.done <- struct{}{}
		}
		close(d.done)
	}()
	return d
}

func (d *digester) start(p []byte) { d.work <- p }
func (d *digester) wait()          { <-d.done }

// sum returns the digest of what was hashed since the last sum.
func (d *digester) sum() (sum [32]byte) {
	d.h.Sum(sum[:0])
	d.h.Reset()
	return sum
}

// stop ends the goroutine and waits for it.
func (d *digester) stop() {
	close(d.work)
	<-d.done
}
