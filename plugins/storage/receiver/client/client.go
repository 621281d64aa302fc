package client

import (
	"context"
	"crypto/tls"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/drydock-backup/drydock/sdk/storage"
)

// Storage keeps objects at a receiver. It is safe for concurrent use.
type Storage struct {
	config  Config
	tls     *tls.Config
	http    *http.Transport
	sending *semaphore.Weighted
	limit   *rate.Limiter // nil: none
	buffers sync.Pool     // of *[]byte, bufferSize long

	mu    sync.Mutex
	speed float64 // bytes per second of one connection, as the last chunks had it; 0: nobody knows
}

// bufferSize is how much is read from a chunk's file at a time, and what a rate lets through at once.
const bufferSize = 256 << 10

// keepAlive is how often a connection that says nothing is probed.
const keepAlive = 15 * time.Second

// The compiler holds the optional abilities.
var (
	_ storage.Storage    = (*Storage)(nil)
	_ storage.Checker    = (*Storage)(nil)
	_ storage.Digester   = (*Storage)(nil)
	_ storage.ReadBacker = (*Storage)(nil)
)

// New returns the storage for a configuration. Mistakes in it are errors that point at the attribute. The receiver is
// reached when it is first needed.
func New(c Config) (*Storage, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	pool, err := readPool(c.CAFile)
	if err != nil {
		return nil, err
	}
	s := &Storage{config: c, sending: semaphore.NewWeighted(int64(c.Connections))}
	s.buffers.New = func() any { b := make([]byte, bufferSize); return &b }
	if c.Rate > 0 {
		s.limit = rate.NewLimiter(rate.Limit(c.Rate), bufferSize)
	}
	s.tls = &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: pool, ServerName: c.serverName(), NextProtos: []string{"http/1.1"},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
			return &cert, err
		},
	}
	s.http = &http.Transport{
		DialTLSContext:         s.dial,
		MaxIdleConnsPerHost:    c.Connections + 2,
		IdleConnTimeout:        90 * time.Second, // less than the receiver's
		ExpectContinueTimeout:  time.Hour,        // the stall timeout is shorter
		DisableCompression:     true,
		WriteBufferSize:        bufferSize,
		ReadBufferSize:         bufferSize,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return s, nil
}

// ReadsBack implements storage.ReadBacker: the protocol demands it of the receiver.
func (s *Storage) ReadsBack() bool { return true }

// Close closes the connections.
func (s *Storage) Close() error {
	s.http.CloseIdleConnections()
	return nil
}

// measured remembers how fast a chunk was sent.
func (s *Storage) measured(bytes int64, took time.Duration) {
	if bytes < bufferSize || took <= 0 {
		return // says nothing
	}
	now := float64(bytes) / took.Seconds()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.speed == 0 {
		s.speed = now
	}
	s.speed += (now - s.speed) / 4
}

const (
	slowest = 32 << 10 // bytes per second that a connection has at least, as long as nobody knows better
	patient = 20       // times the expected time that a chunk may take
)

// limitFor returns how long a chunk may be on its way.
func (s *Storage) limitFor(bytes int64) time.Duration {
	s.mu.Lock()
	speed := s.speed / patient
	s.mu.Unlock()
	if speed == 0 {
		speed = slowest
	}
	if s.limit != nil { // of which other connections take their share
		speed = min(speed, float64(s.limit.Limit())/float64(2*s.config.Connections))
	}
	return s.config.StallTimeout + time.Duration(float64(bytes)/speed*float64(time.Second))
}

// acquire waits for one of the connections that chunks are sent on.
func (s *Storage) acquire(ctx context.Context) (release func(), err error) {
	if err := s.sending.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return func() { s.sending.Release(1) }, nil
}
