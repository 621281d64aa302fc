package server

import (
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// conn is a connection that is counted.
type conn struct {
	net.Conn
	gate *gate
	once sync.Once

	cert    atomic.Pointer[x509.Certificate] // the client's; nil until it is verified
	begun   atomic.Int64                     // requests of which a byte has come
	handled atomic.Int64                     // requests that were understood

	// Guarded by the gate's mutex.
	pending bool
	client  string
}

// Close closes the connection and stops counting it.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.gate.leave(c) })
	return err
}

// connOf returns the connection below TLS.
func connOf(c net.Conn) *conn {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	own, _ := c.(*conn)
	return own
}

// watch counts requests that the HTTP library has refused by itself: malformed ones, headers that are too large or do not
// come to their end.
func (s *Server) watch(nc net.Conn, state http.ConnState) {
	c := connOf(nc)
	if c == nil {
		return
	}
	switch state {
	case http.StateActive:
		c.begun.Add(1)
	case http.StateClosed:
		if c.begun.Load() > c.handled.Load() {
			c.gate.refuse(c, refusal{reasonMalformed, "the request was not understood"})
		}
	}
}
