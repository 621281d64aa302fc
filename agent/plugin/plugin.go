// Package plugin starts the agent's providers as processes of their own and watches over them.
package plugin

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Builtin is a provider that is linked into the drydock binary.
type Builtin struct {
	Kind, Name, Version, Doc string // Kind is "storage", "compress" or "notify"
	Schema                   *schema.Schema
}

// Options says how a Host starts its providers.
type Options struct {
	Self       string       // path of the drydock executable
	Builtins   []Builtin    // every provider in it
	RuntimeDir string       // parent of the private socket directories; empty: a short 0700 directory under os.TempDir
	Log        *slog.Logger // nil: discarded
}

// UnknownProviderError says that a job names a provider that does not exist.
type UnknownProviderError = schema.UnknownProviderError

// ConfigError says that a provider refused its configuration.
type ConfigError struct {
	Provider    job.Provider
	Diagnostics []schema.Diagnostic
}

// Error returns the provider and its diagnostics.
func (e *ConfigError) Error() string {
	texts := make([]string, 0, len(e.Diagnostics))
	for _, d := range e.Diagnostics {
		texts = append(texts, d.Error())
	}
	return fmt.Sprintf("configure %s %q: %s", e.Provider.Type, e.Provider.Label, strings.Join(texts, "; "))
}

// Process is a live provider process.
type Process struct {
	Kind, Name, Label string
	PID               int
}

// Host starts, watches and ends providers.
type Host struct{ options Options }

// NewHost returns a host. Close ends it.
func NewHost(o Options) (*Host, error) { return &Host{options: o}, nil }

// Schema returns the configuration schema of a provider.
func (h *Host) Schema(ctx context.Context, kind, name string) (*schema.Schema, error) {
	return nil, ctx.Err()
}

// Storage starts and configures a storage provider.
func (h *Host) Storage(ctx context.Context, p job.Provider) (storage.Storage, error) {
	return nil, ctx.Err()
}

// Frames starts and configures a compressor.
func (h *Host) Frames(ctx context.Context, p job.Provider, o host.FrameOptions) (*host.Frames, error) {
	return nil, ctx.Err()
}

// Notifier starts and configures a notifier.
func (h *Host) Notifier(ctx context.Context, p job.Provider) (notify.Notifier, error) {
	return nil, ctx.Err()
}

// Processes returns the live providers.
func (h *Host) Processes() []Process { return nil }

// Close stops every provider.
func (h *Host) Close(ctx context.Context) error { return ctx.Err() }
