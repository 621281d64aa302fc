package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/drydock-backup/drydock/sdk/internal/handshake"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
	"github.com/drydock-backup/drydock/sdk/internal/wire"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// DefaultStartTimeout is how long a provider may take until its handshake is done. It is generous: a busy host starts
// processes slowly.
const DefaultStartTimeout = 30 * time.Second

// maxSocketDir is the longest socket directory in bytes: the path of a Unix socket in it must stay below 104.
const maxSocketDir = 60

// Command says what to start.
type Command struct {
	Kind string // what the provider must be: storage, compress or notify
	Name string // what it must call itself

	Path string   // the executable
	Args []string // its arguments, without the program's name. Never a secret
	Env  []string // its whole environment, "NAME=value". Never a secret

	SocketDir    string        // an existing short directory of mode 0700
	Log          *slog.Logger  // receives the provider's log lines; nil: discarded
	StartTimeout time.Duration // 0: DefaultStartTimeout
	SHA256       []byte        // digest that the executable must have; nil: not checked

	// ShowSecrets leaves the values of sensitive attributes in log lines, errors and diagnostics, where they are hidden
	// otherwise. Only for tests that look for them there.
	ShowSecrets bool
}

// Description is who a provider says it is.
type Description struct {
	Kind, Name, Version, Doc string
	Schema                   *schema.Schema
}

// Start starts a provider and returns when it has told who it is. When ctx ends before that, or anything goes wrong, no
// process is left behind.
func Start(ctx context.Context, c Command) (*Process, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("start %s provider %q: %w", c.Kind, c.Name, err)
	}
	p := newProcess(c)
	err := p.pin()
	if err == nil {
		err = p.start(ctx)
	}
	if p.pinned != nil {
		_ = p.pinned.Close() // the process has its own by now
	}
	if err != nil {
		p.discard()
		return nil, fmt.Errorf("start %s provider %q: %w", c.Kind, c.Name, err)
	}
	return p, nil
}

func (c *Command) check() error {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("plugin", c.Kind+"/"+c.Name)
	if c.StartTimeout <= 0 {
		c.StartTimeout = DefaultStartTimeout
	}
	if len(c.SocketDir) > maxSocketDir {
		return fmt.Errorf("socket directory %s is longer than %d bytes", c.SocketDir, maxSocketDir)
	}
	info, err := os.Stat(c.SocketDir)
	switch {
	case err != nil:
		return fmt.Errorf("socket directory: %w", err)
	case !info.IsDir() || !private(info.Mode()):
		return fmt.Errorf("socket directory %s is not private (mode %s, want 0700)", c.SocketDir, info.Mode())
	}
	return nil
}

// pin opens the executable if its digest is given.
func (p *Process) pin() error {
	if p.command.SHA256 == nil {
		return nil
	}
	var err error
	p.pinned, err = openPinned(p.command.Path, p.command.SHA256)
	return err
}

// start launches the process, waits for the handshake, opens the lifeline and asks for the description.
func (p *Process) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.command.StartTimeout)
	defer cancel()
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  handshake.Config(),
		Plugins:          goplugin.PluginSet{handshake.PluginName: clientPlugin{}},
		RunnerFunc:       p.newRunner,
		SkipHostEnv:      true,
		AutoMTLS:         true,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: p.command.SocketDir},
		StartTimeout:     p.command.StartTimeout,
		Stderr:           p.tail,
		SyncStdout:       p.output("stdout"),
		SyncStderr:       p.output("stderr"),
		Logger:           newLogger(p.command.Log, p.hide),
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(
				grpc.MaxCallRecvMsgSize(handshake.MaxMessage), grpc.MaxCallSendMsgSize(handshake.MaxMessage)),
			grpc.WithReadBufferSize(8 << 10), grpc.WithWriteBufferSize(8 << 10),
			grpc.WithInitialWindowSize(handshake.Window), grpc.WithInitialConnWindowSize(handshake.Window),
			grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
		},
	})
	if err := p.connect(ctx); err != nil {
		return p.startError(ctx, err)
	}
	if err := p.openLifeline(); err != nil {
		return p.callError(ctx, err)
	}
	return p.describe(ctx)
}

// connect waits for the handshake. go-plugin knows no context here, so the process is killed when ctx ends.
func (p *Process) connect(ctx context.Context) error {
	result := make(chan error, 1)
	go func() {
		protocol, err := p.client.Client()
		if err == nil {
			grpcClient, ok := protocol.(*goplugin.GRPCClient)
			if !ok {
				err = errors.New("the plugin does not speak gRPC")
			} else {
				p.conn = grpcClient.Conn
			}
		}
		result <- err
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		p.abandon()
		return errors.Join(ctx.Err(), <-result)
	}
}

// startError replaces what go-plugin says about a failed handshake by what a person needs to know.
func (p *Process) startError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no handshake within %s: %w", p.command.StartTimeout, ctx.Err())
	}
	p.mu.Lock()
	r := p.runner
	p.mu.Unlock()
	if r == nil || r.pid() == 0 {
		return err // not even started
	}
	if line := r.firstLine(); line != "" && !isHandshake(line) {
		return fmt.Errorf("it printed %q on standard output before the handshake", p.hide(line))
	}
	r.kill()
	select {
	case <-p.done:
		return errors.Join(p.exitError(), err)
	case <-time.After(reapWait):
		return err
	}
}

func (p *Process) newRunner(_ hclog.Logger, spec *exec.Cmd, dir string) (runner.Runner, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dir = dir
	if p.abandoned {
		return nil, context.Canceled
	}
	r, err := newRunner(p.ctx, p.command, p.pinned, spec.Env, dir)
	if err != nil {
		return nil, err
	}
	r.exited = p.exited
	p.runner = r
	return r, nil
}

// abandon kills the process, or keeps it from being started.
func (p *Process) abandon() {
	p.mu.Lock()
	p.abandoned = true
	r := p.runner
	p.mu.Unlock()
	if r != nil {
		r.abandon()
	}
}

// openLifeline opens the stream whose end tells the provider that we are gone. It ends with the connection.
func (p *Process) openLifeline() error {
	stream, err := pb.NewProviderClient(p.conn).Lifeline(p.ctx, &pb.LifelineRequest{})
	if err != nil {
		return err
	}
	p.background.Go(func() {
		_, _ = stream.Recv() // nothing is ever sent; this returns when the stream ends
	})
	return nil
}

func (p *Process) describe(ctx context.Context) error {
	r, err := pb.NewProviderClient(p.conn).Describe(ctx, &pb.DescribeRequest{})
	if err != nil {
		return p.callError(ctx, err)
	}
	p.description = Description{
		Kind: r.GetKind(), Name: r.GetName(), Version: r.GetVersion(), Doc: r.GetDoc(), Schema: wire.Schema(r.GetAttributes()),
	}
	if r.GetKind() != p.command.Kind || r.GetName() != p.command.Name {
		return fmt.Errorf("%s is %s provider %q", p.command.Path, r.GetKind(), r.GetName())
	}
	if err := p.description.Schema.Check(); err != nil {
		return fmt.Errorf("its schema: %w", err)
	}
	return nil
}

// clientPlugin satisfies go-plugin; the connection is used directly.
type clientPlugin struct {
	goplugin.NetRPCUnsupportedPlugin
}

// GRPCServer is the provider's half.
func (clientPlugin) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the host serves nothing")
}

// GRPCClient returns nothing: see Process.conn.
func (clientPlugin) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}
