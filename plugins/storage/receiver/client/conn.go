package client

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
)

// dial connects and shakes hands, each within the time that a connection may take to be made.
func (s *Storage) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: s.config.ConnectTimeout, KeepAlive: keepAlive}
	raw, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := newConn(raw, s.tls, &s.buffers)
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.ConnectTimeout, errHandshake)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errHandshake) {
			err = cause
		}
		return nil, errors.Join(err, raw.Close())
	}
	return c, nil
}

// conn is a connection over TLS that sends many records at once. crypto/tls makes one call to the system for each record of
// 16 KiB, and so one segment, which costs both hosts more than the encryption does.
type conn struct {
	*tls.Conn
	below   *corked
	buffers *sync.Pool // of *[]byte, bufferSize long
}

func newConn(raw net.Conn, config *tls.Config, buffers *sync.Pool) *conn {
	below := &corked{Conn: raw}
	return &conn{tls.Client(below, config), below, buffers}
}

// Write sends p as records that leave together. Hands are shaken first: what the other side waits for must not be held.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.HandshakeContext(context.Background()); err != nil { // done by dial
		return 0, err
	}
	sent := 0
	for len(p) > 0 {
		part := p[:min(len(p), bufferSize)]
		c.below.cork()
		n, err := c.Conn.Write(part)
		if err = errors.Join(err, c.below.uncork()); err != nil {
			return sent + n, err
		}
		sent, p = sent+n, p[n:]
	}
	return sent, nil
}

// ReadFrom is how the body of a request comes: a large buffer at a time.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	buffer := c.buffers.Get().(*[]byte)
	defer c.buffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{c}, r, *buffer)
}

// corked is the connection below TLS. What is written between cork and uncork leaves at once. It is safe for concurrent use:
// TLS answers the other side while it reads.
type corked struct {
	net.Conn

	mu     sync.Mutex
	held   []byte
	corked bool
}

func (c *corked) cork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = true
}

func (c *corked) uncork() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	_, err := c.Conn.Write(c.held)
	c.held = c.held[:0]
	return err
}

// Write keeps p while the connection is corked: as much as one Write above makes of its bytes.
func (c *corked) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.corked {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}
