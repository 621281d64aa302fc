package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

const (
	handshakeTimeout = 10 * time.Second
	acceptPause      = 50 * time.Millisecond // after an accept that failed, for want of descriptors for example
)

// gate is a listener that gives out connections whose TLS handshake is done. Slow or hostile peers wait in it and hold
// nobody up.
type gate struct {
	s         *Server
	listeners []net.Listener
	ready     chan net.Conn
	closed    chan struct{}
	once      sync.Once
	wg        sync.WaitGroup

	mu      sync.Mutex
	open    map[*conn]bool
	pending int // of open, those whose handshake is not done
	clients map[string]int
}

func newGate(s *Server, listeners []net.Listener) *gate {
	return &gate{s: s, listeners: listeners, ready: make(chan net.Conn), closed: make(chan struct{}),
		open: map[*conn]bool{}, clients: map[string]int{}}
}

// start accepts connections until the gate is closed. The handshakes end with ctx.
func (g *gate) start(ctx context.Context) {
	for _, l := range g.listeners {
		g.wg.Go(func() { g.accept(ctx, l) })
	}
}

// Accept returns the next connection that has shaken hands.
func (g *gate) Accept() (net.Conn, error) {
	select {
	case c := <-g.ready:
		return c, nil
	case <-g.closed:
		return nil, net.ErrClosed
	}
}

// Close stops accepting. Connections that were given out stay open.
func (g *gate) Close() error {
	var err error
	g.once.Do(func() {
		close(g.closed)
		for _, l := range g.listeners {
			err = errors.Join(err, l.Close())
		}
	})
	return err
}

// Addr returns the address of the first listener.
func (g *gate) Addr() net.Addr { return g.listeners[0].Addr() }

func (g *gate) accept(ctx context.Context, l net.Listener) {
	for {
		raw, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			g.s.log.Warn("accept a connection", "error", err)
			select {
			case <-time.After(acceptPause):
				continue
			case <-g.closed:
				return
			}
		}
		c, err := g.admit(raw)
		if err != nil {
			g.refuse(raw, err)
			_ = raw.Close()
			continue
		}
		g.wg.Go(func() { g.handshake(ctx, c) })
	}
}

// admit counts a new connection, or refuses it when there are too many. Strangers get a quarter of all connections, so
// that they cannot keep out those who have shaken hands.
func (g *gate) admit(raw net.Conn) (*conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := g.s.maxConnections
	if len(g.open) >= limit || g.pending >= max(limit/4, 1) {
		return nil, refusal{reasonConnections, "there are too many connections"}
	}
	c := &conn{Conn: raw, gate: g, pending: true}
	g.open[c] = true
	g.pending++
	g.s.metrics.connections.Inc()
	return c, nil
}

func (g *gate) handshake(ctx context.Context, c *conn) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	t := tls.Server(c, g.s.tlsConfig(c))
	if err := t.HandshakeContext(ctx); err != nil {
		g.refuse(c, err)
		_ = c.Close()
		return
	}
	g.shaken(c)
	select {
	case g.ready <- t:
	case <-g.closed:
		_ = t.Close()
	}
}

func (g *gate) shaken(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.pending {
		c.pending = false
		g.pending--
	}
}

// join counts a connection of a client, or refuses it when the client has too many.
func (g *gate) join(c *conn, name string, limit int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.clients[name] >= limit {
		return refusal{reasonClientConnections, "the client has too many connections"}
	}
	g.clients[name]++
	c.client = name
	return nil
}

func (g *gate) leave(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, c)
	if c.pending {
		c.pending = false
		g.pending--
	}
	if c.client != "" {
		if g.clients[c.client]--; g.clients[c.client] == 0 {
			delete(g.clients, c.client)
		}
	}
	g.s.metrics.connections.Dec()
}

// refuse counts and logs a connection that did not come to speak.
func (g *gate) refuse(c net.Conn, err error) {
	reason := reasonOf(err)
	g.s.metrics.refused.WithLabelValues(string(reason)).Inc()
	g.s.log.Info("connection refused", "remote", c.RemoteAddr().String(), "reason", string(reason), "error", err.Error())
}

// closeRevoked ends the connections of certificates that were revoked.
func (g *gate) closeRevoked(revoked func(c *conn) bool) {
	g.mu.Lock()
	var all []*conn
	for c := range g.open {
		all = append(all, c)
	}
	g.mu.Unlock()
	for _, c := range all {
		if revoked(c) {
			_ = c.Close()
		}
	}
}
