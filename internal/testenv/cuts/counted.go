package cuts

import (
	"io"
	"sync/atomic"
)

// counted counts what is read of a body.
type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

// Read reads on.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}
