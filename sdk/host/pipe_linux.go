package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// pipeSize is the room in a pipe in bytes, which decides how often the two sides wake each other up. The kernel may refuse
// it to a user who has many pipes; it works with the default size as well.
const pipeSize = 1 << 20

// pipe is a named pipe of mode 0600 that a provider writes and we read.
type pipe struct {
	path string
	from *os.File
	keep *os.File // a write end of our own: the pipe has no end before the call has one
}

// newPipe makes a pipe in dir; the number makes its name unique there.
func newPipe(dir string, number uint64) (*pipe, error) {
	p := &pipe{path: filepath.Join(dir, fmt.Sprintf("r%d", number))}
	if err := unix.Mkfifo(p.path, 0o600); err != nil {
		return nil, fmt.Errorf("make pipe %s: %w", p.path, err)
	}
	var err error
	if p.from, err = os.OpenFile(p.path, os.O_RDONLY|unix.O_NONBLOCK, 0); err == nil {
		p.keep, err = os.OpenFile(p.path, os.O_WRONLY|unix.O_NONBLOCK, 0)
	}
	if err != nil {
		p.close()
		p.remove()
		return nil, err
	}
	if raw, err := p.from.SyscallConn(); err == nil { // Fd would make the file blocking
		_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
	}
	return p, nil
}

// Read reads what the provider has written, and ends when the call is finished.
func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF
	}
	return n, err
}

// finished says that the call has ended. After an error nobody wants the rest.
func (p *pipe) finished(err error) {
	_ = p.keep.Close()
	if err != nil {
		_ = p.from.SetReadDeadline(time.Unix(1, 0))
	}
}

// close wakes up a provider that still writes: it gets a broken pipe.
func (p *pipe) close() {
	if p.from != nil {
		_ = p.from.Close()
	}
}

func (p *pipe) remove() { _ = os.Remove(p.path) }
