package serve

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/drydock-backup/drydock/sdk/internal/handshake"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
)

// memoryLimit is in bytes. Several providers run beside the agent and all of them together must stay small, so each
// collects its garbage harder once it is larger than this. The limit is soft: a provider that needs more gets it, and pays
// with time.
const memoryLimit = 48 << 20

// Run serves p until the host ends the process or is gone. A provider that cannot be served ends with status 1.
func Run(p Plugin) {
	if p.Err != nil {
		fmt.Fprintf(os.Stderr, "%s provider %q cannot be served: %v\n", p.Kind, p.Name, p.Err)
		os.Exit(1)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	l := newLife(p)
	l.watchHost()
	logToHost(os.Stderr)
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: handshake.Config(),
		Plugins:         goplugin.PluginSet{handshake.PluginName: &service{plugin: p, life: l}},
		GRPCServer:      l.newServer,
		Logger:          hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr, JSONFormat: true}),
	})
	l.stop()
}

// newServer is go-plugin's hook for the server's options. The buffers are small because only control messages travel.
func (l *life) newServer(opts []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(opts,
		grpc.MaxRecvMsgSize(handshake.MaxMessage), grpc.MaxSendMsgSize(handshake.MaxMessage),
		grpc.ReadBufferSize(8<<10), grpc.WriteBufferSize(8<<10),
		grpc.InitialWindowSize(handshake.Window), grpc.InitialConnWindowSize(handshake.Window),
		grpc.UnaryInterceptor(l.unary), grpc.StreamInterceptor(l.stream),
	)...)
}

// hclogTime is how the host expects the time of a log line.
const hclogTime = "2006-01-02T15:04:05.000000Z07:00"

// logToHost makes package slog write lines to w that the host can take apart, whatever the provider logs with slog.
func logToHost(w io.Writer) {
	names := map[string]string{slog.TimeKey: "@timestamp", slog.LevelKey: "@level", slog.MessageKey: "@message"}
	slog.SetDefault(slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			name, special := names[a.Key]
			if !special || len(groups) > 0 {
				return a
			}
			a.Key = name
			switch name {
			case "@timestamp":
				a.Value = slog.StringValue(a.Value.Time().Format(hclogTime))
			case "@level":
				a.Value = slog.StringValue(strings.ToLower(a.Value.String()))
			}
			return a
		},
	})))
}

// service is the go-plugin side of a Plugin.
type service struct {
	goplugin.NetRPCUnsupportedPlugin
	plugin Plugin
	life   *life
}

// GRPCServer registers everything that the provider serves.
func (s *service) GRPCServer(_ *goplugin.GRPCBroker, server *grpc.Server) error {
	pb.RegisterProviderServer(server, &provider{plugin: s.plugin, life: s.life})
	s.plugin.Register(server)
	return nil
}

// GRPCClient is the host's half, which lives in package host.
func (s *service) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fmt.Errorf("a provider process is no client")
}
