package server

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
)

const (
	headerTimeout = 10 * time.Second // for a request's header to come to its end
	idleTimeout   = 2 * time.Minute  // for the next request on a connection
	burst         = 256 << 10        // bytes that a rate lets through at once
)

// Options are what a server is made of.
type Options struct {
	Config Config
	Trust  *pki.Trust

	// Open opens the store of a directory below the root, and creates the directory. It is called once for each.
	Open func(dir string) (Store, error)
	// Unfinished lists the directories below the root that have uploads which are not committed.
	Unfinished func(ctx context.Context) ([]string, error)

	Log    *slog.Logger
	Access *slog.Logger // one record for each request
}

// Server is the receiver. It is safe for concurrent use.
type Server struct {
	config     atomic.Pointer[Config]
	trust      atomic.Pointer[pki.Trust]
	clients    *clients
	slots      *semaphore.Weighted
	metrics    *metrics
	log        *slog.Logger
	access     *slog.Logger
	unfinished func(ctx context.Context) ([]string, error)
	routes     []route
	draining   atomic.Bool

	maxConnections int

	mu   sync.Mutex
	gate *gate
}

// New returns a server. Call Serve, then Close.
func New(o Options) *Server {
	s := &Server{
		clients: newClients(o.Open), slots: semaphore.NewWeighted(int64(o.Config.MaxTransfers)), metrics: newMetrics(),
		log: o.Log, access: o.Access, unfinished: o.Unfinished, maxConnections: o.Config.MaxConnections,
	}
	s.config.Store(&o.Config)
	s.trust.Store(o.Trust)
	s.routes = s.table()
	s.metrics.registry.MustRegister(newUsage(s))
	return s
}

// SetConfig replaces the configuration. Directories, and the numbers of all connections and transfers, stay what they are.
func (s *Server) SetConfig(c Config) error {
	s.config.Store(&c)
	return s.clients.renew(c.Policy)
}

// SetTrust replaces certificates and revocations. Connections of certificates that are revoked by now are cut.
func (s *Server) SetTrust(t *pki.Trust) {
	s.trust.Store(t)
	s.mu.Lock()
	g := s.gate
	s.mu.Unlock()
	if g != nil {
		g.closeRevoked(s.revoked)
	}
}

// Serve serves until ctx ends. Then it takes no more connections, lets the requests that are on their way come to their
// end for as long as drain, and returns when all goroutines have ended. It is called once.
func (s *Server) Serve(ctx context.Context, listeners []net.Listener, drain time.Duration) error {
	if len(listeners) == 0 {
		return errors.New("serve: no address to listen on")
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g := newGate(s, listeners)
	s.mu.Lock()
	s.gate = g
	s.mu.Unlock()
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: wire.MaxHeader,
		ConnState: s.watch, ErrorLog: log.New(debugWriter{s.log}, "", 0),
		BaseContext: func(net.Listener) context.Context { return work },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, connOf(c))
		},
	}
	g.start(work)
	var wg sync.WaitGroup
	wg.Go(func() { s.sweepAll(work) })
	served := make(chan error, 1)
	go func() { served <- h.Serve(g) }() // ends with Shutdown, and is waited for
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		err = s.drain(h, drain)
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
	}
	stop()
	err = errors.Join(err, g.Close(), h.Close())
	g.wg.Wait()
	wg.Wait()
	return err
}

type connKey struct{}

// drain lets what is on its way come to its end. It leaves it to Shutdown to close the gate: if that came first, its end would
// look like a failure.
func (s *Server) drain(h *http.Server, limit time.Duration) error {
	s.draining.Store(true)
	s.log.Info("draining", "limit", limit.String())
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	return nil
}

// Close gives the stores back, after Serve has returned.
func (s *Server) Close() error { return s.clients.close() }

// debugWriter takes what the HTTP library has to say about connections.
type debugWriter struct{ log *slog.Logger }

func (d debugWriter) Write(p []byte) (int, error) {
	d.log.Debug("http", "message", string(p))
	return len(p), nil
}
