package serve

import (
	"context"
	"sync"

	"github.com/drydock-backup/drydock/sdk/errs"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
	"github.com/drydock-backup/drydock/sdk/internal/wire"
)

// provider serves the calls that every kind has.
type provider struct {
	pb.UnimplementedProviderServer
	plugin Plugin
	life   *life

	mu         sync.Mutex
	configured bool
}

// Describe tells who the provider is.
func (p *provider) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	return &pb.DescribeResponse{
		Kind: p.plugin.Kind, Name: p.plugin.Name, Version: p.plugin.Version, Doc: p.plugin.Doc,
		Attributes: wire.Attributes(p.plugin.Schema),
	}, nil
}

// Configure opens the provider, once. After diagnostics or an error it may be tried again.
func (p *provider) Configure(ctx context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.configured {
		return nil, errs.New(errs.Invalid, "configure: the provider is configured already")
	}
	diags, capabilities, err := p.plugin.Configure(ctx, r.GetConfigJson())
	if err != nil {
		return nil, err
	}
	p.configured = len(diags) == 0
	return &pb.ConfigureResponse{Diagnostics: wire.ToDiagnostics(diags), Capabilities: capabilities}, nil
}

// Health answers at once.
func (p *provider) Health(context.Context, *pb.HealthRequest) (*pb.HealthResponse, error) {
	return &pb.HealthResponse{}, nil
}

// Lifeline waits until the host is gone.
func (p *provider) Lifeline(_ *pb.LifelineRequest, s pb.Provider_LifelineServer) error {
	p.life.held()
	<-s.Context().Done()
	go p.life.released()
	return nil
}

// Stop ends the provider's work.
func (p *provider) Stop(context.Context, *pb.StopRequest) (*pb.StopResponse, error) {
	p.life.stop()
	return &pb.StopResponse{}, nil
}
