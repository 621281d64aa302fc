package cuts

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// relay passes connections on and counts what clients send, encrypted or not.
type relay struct {
	addr     string // host and port for clients
	upstream string
	sent     atomic.Int64 // bytes from clients
	wg       sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]bool // nil: the relay has ended
}

// newRelay starts a relay to the server at upstream. It ends with the test.
func newRelay(t *testing.T, upstream string) *relay {
	t.Helper()
	var c net.ListenConfig
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: l.Addr().String(), upstream: upstream, open: map[net.Conn]bool{}}
	r.wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			r.wg.Go(func() { r.pass(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		r.mu.Lock()
		for c := range r.open {
			_ = c.Close()
		}
		r.open = nil
		r.mu.Unlock()
		r.wg.Wait()
	})
	return r
}

// pass connects a client with the server until either goes away.
func (r *relay) pass(client net.Conn) {
	defer r.close(client)
	if !r.keep(client) {
		return
	}
	server, err := (&net.Dialer{Timeout: time.Minute}).DialContext(context.Background(), "tcp", r.upstream)
	if err != nil {
		return // the network is cut
	}
	defer r.close(server)
	if !r.keep(server) {
		return
	}
	r.wg.Go(func() {
		_, _ = io.Copy(client, server)
		r.close(client)
	})
	_, _ = io.Copy(counter{server, &r.sent}, client)
}

func (r *relay) keep(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open != nil {
		r.open[c] = true
	}
	return r.open != nil
}

func (r *relay) close(c net.Conn) {
	_ = c.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, c)
}

// counter counts what is about to be written.
type counter struct {
	io.Writer
	n *atomic.Int64
}

// Write counts first: what the other side does not take was sent all the same.
func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.Writer.Write(p)
}
