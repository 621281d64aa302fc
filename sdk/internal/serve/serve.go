// Package serve runs a provider process: the handshake with the host, the calls that every kind of provider has, and
// the end of the process.
package serve

import (
	"context"

	"google.golang.org/grpc"

	"github.com/drydock-backup/drydock/sdk/schema"
)

// Plugin is a provider of any kind, as the process that serves it sees it.
type Plugin struct {
	Kind, Name, Version, Doc string
	Schema                   *schema.Schema
	Err                      error // why the provider cannot be served; nil when it can

	// Register adds the services of the provider's kind.
	Register func(grpc.ServiceRegistrar)
	// Configure opens the provider and returns its capabilities.
	Configure func(ctx context.Context, config []byte) (diags []schema.Diagnostic, capabilities []string, err error)
	// Close releases what Configure opened.
	Close func() error
}

// Open decodes a configuration into a fresh C and opens the provider with it.
func Open[C, T any](
	ctx context.Context, s *schema.Schema, invalid error, config []byte, open func(context.Context, *C) (T, error),
) (T, []schema.Diagnostic, error) {
	var none T
	if invalid != nil {
		return none, nil, invalid
	}
	cfg := new(C)
	if diags := s.Decode(config, cfg); len(diags) > 0 {
		return none, diags, nil
	}
	impl, err := open(ctx, cfg)
	if err == nil {
		return impl, nil, nil
	}
	diags, err := schema.Diagnostics(err)
	return none, diags, err
}
