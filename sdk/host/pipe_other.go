//go:build !linux

package host

import (
	"io"
	"os"
)

// pipe is a temporary file of mode 0600 that a provider writes; it can be read when the call has ended. Callers read
// large objects in pieces, so it stays small.
type pipe struct {
	path string
	from *os.File
	done chan struct{}
	err  error // valid once done is closed
}

func newPipe(dir string, _ uint64) (*pipe, error) {
	f, err := os.CreateTemp(dir, "range")
	if err != nil {
		return nil, err
	}
	return &pipe{path: f.Name(), from: f, done: make(chan struct{})}, nil
}

// Read waits for the end of the call and reads what the provider has written.
func (p *pipe) Read(b []byte) (int, error) {
	<-p.done
	if p.err != nil {
		return 0, io.EOF
	}
	return p.from.Read(b)
}

// finished says that the call has ended.
func (p *pipe) finished(err error) {
	p.err = err
	close(p.done)
}

func (p *pipe) close() { _ = p.from.Close() }

func (p *pipe) remove() { _ = os.Remove(p.path) }
