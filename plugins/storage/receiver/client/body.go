package client

import (
	"io"
	"sync"
	"time"
)

// body is the bytes of a chunk on their way: watched, held to the rate, and given up when they take too long. The clock
// starts when the receiver asks for the first byte: until then it has let the chunk wait for its turn.
type body struct {
	Reader io.Reader
	x      *exchange
	length int64

	mu    sync.Mutex
	start time.Time
	clock *time.Timer
}

// limited is how much waits for the rate at once: so little that neither side takes the wait for a connection that stalls.
const limited = 32 << 10

// Read reads at most bufferSize bytes.
func (b *body) Read(p []byte) (int, error) {
	b.started()
	b.x.moved()
	limit, most := b.x.s.limit, bufferSize
	if limit != nil {
		most = limited
	}
	n, err := b.Reader.Read(p[:min(len(p), most)])
	if limit != nil && n > 0 {
		if e := limit.WaitN(b.x.ctx, n); e != nil {
			return n, e
		}
		b.x.moved()
	}
	return n, err
}

// Close ends nothing: the file belongs to the caller.
func (b *body) Close() error { return nil }

func (b *body) started() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.clock == nil {
		b.start = time.Now()
		b.clock = time.AfterFunc(b.x.s.limitFor(b.length), func() { b.x.cancel(errSlow) })
	}
}

// began says when the first byte was asked for, if it was.
func (b *body) began() (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.start, b.clock != nil
}

func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.clock != nil {
		b.clock.Stop()
	}
}
