package storage

import (
	"context"

	"github.com/drydock-backup/drydock/sdk/internal/serve"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// Kind is the kind of the providers of this package.
const Kind = "storage"

// Provider is a storage that can be configured and served: what a provider package exports. Make one with
// [NewProvider]. It is read-only and safe for concurrent use.
type Provider struct {
	Name    string // lower case, as a job file names it: storage "NAME"
	Version string // semantic version
	Doc     string // one or more sentences, shown on top of the provider's documentation
	Schema  *schema.Schema

	// Environment names the variables that it reads of the agent's environment besides the usual ones (PATH, proxies,
	// certificates). Only a provider that is linked into drydock gets them: they may hold credentials.
	Environment []string

	// Open checks a configuration (a JSON object) and returns the storage that it describes. What is wrong with the
	// configuration comes back as diagnostics; any other failure as an error with a kind.
	Open func(ctx context.Context, config []byte) (Storage, []schema.Diagnostic, error)

	invalid error // why the provider cannot be served
}

// NewProvider makes a provider of a tagged configuration struct C and the function that opens it. An open that returns
// [schema.Invalid] points at an attribute of the job file. A mistake in C's tags is reported by Err and by [Serve].
func NewProvider[C any](name, version, doc string, open func(ctx context.Context, cfg *C) (Storage, error)) Provider {
	var prototype C
	s, err := schema.Of(prototype)
	p := Provider{Name: name, Version: version, Doc: doc, Schema: s, invalid: err}
	p.Open = func(ctx context.Context, config []byte) (Storage, []schema.Diagnostic, error) {
		return serve.Open(ctx, s, err, config, open)
	}
	return p
}

// Err reports a mistake in the provider's configuration struct.
func (p Provider) Err() error { return p.invalid }

// Serve is the main function of a provider process: it talks to the agent that started the process and blocks until
// that agent ends it or is gone. It takes over standard output, so nothing may be printed before it is called. Started
// by hand it says so and exits with status 1. A provider that has a method Close() error is closed at the end.
func Serve(p Provider) {
	s := &server{}
	serve.Run(serve.Plugin{
		Kind: Kind, Name: p.Name, Version: p.Version, Doc: p.Doc, Schema: p.Schema, Err: p.invalid,
		Register: s.register,
		Configure: func(ctx context.Context, config []byte) ([]schema.Diagnostic, []string, error) {
			impl, diags, err := p.Open(ctx, config)
			if err != nil || len(diags) > 0 {
				return diags, nil, err
			}
			return nil, s.set(impl), nil
		},
		Close: s.close,
	})
}
