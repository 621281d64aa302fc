package serve

import (
	"context"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/drydock-backup/drydock/sdk/internal/handshake"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
	"github.com/drydock-backup/drydock/sdk/internal/wire"
)

// How a provider ends. All of it together stays below the five seconds that the protocol grants an orphan.
const (
	drainTime    = 2 * time.Second        // for running calls to notice that they were canceled
	closeTime    = time.Second            // for the provider's Close
	deadTime     = 100 * time.Millisecond // for the pipe to break after the lifeline did
	lifelineTime = 5 * time.Second        // for the host to open the lifeline, where no pipe was inherited
)

// life is the life of the process: from the first call to the moment when the host stops it or is gone.
type life struct {
	plugin Plugin
	ctx    context.Context // ends when the provider must stop; every call's context ends with it
	end    context.CancelFunc

	mu      sync.Mutex
	calls   sync.WaitGroup // running calls of the kind's own service
	stopped bool

	once  sync.Once
	alone *time.Timer   // nil, or fires when no lifeline was opened in time
	dead  chan struct{} // closed when the inherited pipe breaks: the host is dead for certain
}

func newLife(p Plugin) *life {
	ctx, end := context.WithCancel(context.Background())
	return &life{plugin: p, ctx: ctx, end: end, dead: make(chan struct{})}
}

// watchHost ends the process when the inherited pipe breaks. Without a pipe the Lifeline call must come soon.
func (l *life) watchHost() {
	fd, err := strconv.Atoi(os.Getenv(handshake.LifelineEnv))
	if err != nil || fd < 3 {
		l.alone = time.AfterFunc(lifelineTime, l.lost)
		return
	}
	pipe := os.NewFile(uintptr(fd), "lifeline")
	closeOnExec(fd)
	go func() { // ends with the process
		_, _ = pipe.Read(make([]byte, 1))
		close(l.dead)
		l.lost()
	}()
}

// held says that the host has opened the lifeline.
func (l *life) held() {
	if l.alone != nil {
		l.alone.Stop()
	}
}

// enter counts a call in. It reports false once the provider is stopping.
func (l *life) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return false
	}
	l.calls.Add(1)
	return true
}

// stop cancels running calls, waits a little for them and closes the provider. Only the first call does anything; the
// others wait for it.
func (l *life) stop() {
	l.once.Do(func() {
		l.mu.Lock()
		l.stopped = true
		l.mu.Unlock()
		l.end()
		within(drainTime, l.calls.Wait)
		within(closeTime, func() {
			if err := l.plugin.Close(); err != nil {
				slog.Warn("close provider", "error", err)
			}
		})
	})
}

// within runs f and waits for it no longer than d. An f that hangs is left behind; the process ends soon.
func within(d time.Duration, f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(d):
	}
}

// released is called when the lifeline has ended. After a Stop that is the host's way to end us in peace, so the main
// function gets the time to return.
func (l *life) released() {
	l.mu.Lock()
	stopped := l.stopped
	l.mu.Unlock()
	if stopped {
		time.Sleep(closeTime)
	}
	l.lost()
}

// lost ends the process because the host is gone: nobody else would. A dead host cannot remove our sockets either; one
// that is alive and has let go of us can, and may still use the directory.
func (l *life) lost() {
	l.stop()
	select {
	case <-l.dead:
		removeSockets(os.Getenv(goplugin.EnvUnixSocketDir))
	case <-time.After(deadTime):
	}
	endGroup()
	os.Exit(3)
}

// removeSockets removes the sockets in our private directory, then the directory and its parent as far as they are empty.
func removeSockets(dir string) {
	if dir == "" {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Type()&(os.ModeSocket|os.ModeNamedPipe) != 0 {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	if os.Remove(dir) == nil {
		_ = os.Remove(filepath.Dir(dir))
	}
}

// control reports whether a method belongs to the provider's life and not to its work.
func control(method string) bool {
	switch path.Dir(method) {
	case "/plugin.GRPCStdio", "/plugin.GRPCBroker", "/plugin.GRPCController":
		return true
	}
	return method == pb.Provider_Stop_FullMethodName || method == pb.Provider_Lifeline_FullMethodName
}

// unary runs one call: its context ends with the provider's life, its error gets a kind.
func (l *life) unary(ctx context.Context, r any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if control(info.FullMethod) {
		return next(ctx, r)
	}
	if !l.enter() {
		return nil, wire.Status(ctx, context.Canceled)
	}
	defer l.calls.Done()
	ctx, cancel := l.join(ctx)
	defer cancel()
	response, err := next(ctx, r)
	return response, wire.Status(ctx, err)
}

// stream is unary for calls that stream.
func (l *life) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if control(info.FullMethod) {
		return next(srv, s)
	}
	if !l.enter() {
		return wire.Status(s.Context(), context.Canceled)
	}
	defer l.calls.Done()
	ctx, cancel := l.join(s.Context())
	defer cancel()
	return wire.Status(ctx, next(srv, &joinedStream{ServerStream: s, ctx: ctx}))
}

// join returns a context that ends with the call and with the provider's life.
func (l *life) join(call context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(call)
	detach := context.AfterFunc(l.ctx, cancel)
	return ctx, func() { detach(); cancel() }
}

type joinedStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context returns the joined context.
func (s *joinedStream) Context() context.Context { return s.ctx }
