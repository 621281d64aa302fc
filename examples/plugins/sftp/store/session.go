package store

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Store keeps objects on a server. It is safe for concurrent use; several processes may use one directory.
type Store struct {
	dialer  dialer
	base    string // on the server
	mode    fs.FileMode
	dialing chan struct{}  // holds one element while somebody connects
	works   sync.WaitGroup // goroutines that talk to the server

	mu      sync.Mutex // guards what follows
	session *session   // nil: not connected
	closed  bool
	pruned  bool
	uploads map[string]*upload
}

// The compiler holds the optional ability.
var (
	_ storage.Storage = (*Store)(nil)
	_ storage.Checker = (*Store)(nil)
)

// dialer makes connections.
type dialer struct {
	address string
	timeout time.Duration
	config  ssh.ClientConfig
}

// session is one connection.
type session struct {
	*sftp.Client
	conn *ssh.Client
}

// dial connects and logs in. It is bounded by the timeout and by ctx.
func (d *dialer) dial(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	var netDialer net.Dialer
	raw, err := netDialer.DialContext(ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	detach := context.AfterFunc(ctx, func() { _ = raw.Close() }) // what waits for the server wakes up
	s, err := d.login(raw)
	if !detach() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = raw.Close()
		return nil, errors.Join(ctx.Err(), err)
	}
	return s, nil
}

func (d *dialer) login(raw net.Conn) (*session, error) {
	conn, channels, requests, err := ssh.NewClientConn(raw, d.address, &d.config)
	if err != nil {
		return nil, err
	}
	client := ssh.NewClient(conn, channels, requests)
	s, err := sftp.NewClient(client, sftp.UseConcurrentWrites(true))
	if err != nil {
		return nil, err
	}
	made := &session{Client: s, conn: client}
	if !made.has(extFlush) {
		slog.Warn("the server cannot flush files to its disk: what it acknowledged can be lost when it loses power")
	}
	return made, nil
}

// The extensions of SFTP that are used where the server has them.
const (
	extLink  = "hardlink@openssh.com"
	extFlush = "fsync@openssh.com"
	extSpace = "statvfs@openssh.com"
)

func (c *session) has(extension string) bool {
	_, ok := c.HasExtension(extension)
	return ok
}

// connect returns the connection, and makes one if there is none.
func (s *Store) connect(ctx context.Context) (*session, error) {
	select {
	case s.dialing <- struct{}{}:
		defer func() { <-s.dialing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	c := s.session
	s.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := s.dialer.dial(ctx)
	if err != nil {
		return nil, dialError(ctx, err)
	}
	info, err := c.Stat(s.base)
	if err == nil && !info.IsDir() {
		err = errs.New(errs.Invalid, "%s is not a directory", s.base)
	}
	if err != nil {
		return nil, errors.Join(err, c.conn.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.Join(errClosed, c.conn.Close())
	}
	s.session = c
	s.works.Go(func() { // ends with the connection
		_ = c.Wait()
		s.drop(c)
	})
	return c, nil
}

var errClosed = errs.New(errs.Canceled, "the storage is closed")

// drop closes a connection, so that the next call makes a new one.
func (s *Store) drop(c *session) {
	s.mu.Lock()
	if s.session == c {
		s.session = nil
	}
	s.mu.Unlock()
	_ = c.conn.Close() // closed already, maybe
}

// Close ends the connection and waits until nothing uses it any more.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	c := s.session
	s.mu.Unlock()
	if c != nil {
		s.drop(c)
	}
	s.works.Wait()
	return nil
}
