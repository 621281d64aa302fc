package client

import (
	"crypto/tls"
	"io"
	"net"
	"sync"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
)

// ReadLines reads a stream to its end.
func ReadLines(r io.Reader, f func(wire.Line) error) error { return readLines(r, func() {}, f) }

// IsToken reports whether a receiver can have made s.
func IsToken(s string) bool { return isToken(s) }

// PathOf fills a token and an index into a path.
func PathOf(pattern, token, index string) string { return pathOf(pattern, token, index) }

// BufferSize is how much leaves at once.
const BufferSize = bufferSize

// NewConn returns a connection that sends many records at once. It has not shaken hands.
func NewConn(raw net.Conn, config *tls.Config) net.Conn {
	return newConn(raw, config, &sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }})
}
