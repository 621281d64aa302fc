package plugin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Builtin is a provider that is linked into the drydock binary.
type Builtin struct {
	Kind, Name, Version, Doc string // Kind is "storage", "compress" or "notify"
	Schema                   *schema.Schema
	Environment              []string // variables of the agent's environment that it reads besides the usual ones
}

// Options says how a Host starts its providers.
type Options struct {
	Self       string       // path of the drydock executable
	Builtins   []Builtin    // every provider in it
	RuntimeDir string       // parent of the private socket directory; empty or too long a path: os.TempDir
	Log        *slog.Logger // nil: discarded

	PluginDir    string        // holds third-party providers; empty: there are none. Absolute
	LockFile     string        // where Pins come from, for messages
	LockErr      error         // why it cannot be used, so that nothing of it is in Pins; nil: it can
	Pins         []Pin         // the third-party providers that may run
	Requirements []Requirement // and the versions that they may have

	Health time.Duration // between two health checks, and the most that one may take; 0: 20 seconds
}

// UnknownProviderError says that a job names a provider that does not exist.
type UnknownProviderError = schema.UnknownProviderError

// ConfigError says that a provider refused its configuration.
type ConfigError struct {
	Kind        string // "storage", "compress" or "notify"
	Provider    job.Provider
	Diagnostics []schema.Diagnostic // never empty
}

// Error returns the provider and its diagnostics.
func (e *ConfigError) Error() string {
	err := &schema.InvalidError{Diagnostics: e.Diagnostics}
	return fmt.Sprintf("configure %s: %s", title(e.Provider), err)
}

// title names a provider as the job file does.
func title(p job.Provider) string {
	if p.Label == "" {
		return p.Type
	}
	return fmt.Sprintf("%s %q", p.Type, p.Label)
}

// Process is a live provider process.
type Process struct {
	Kind, Name, Label string
	PID               int
}

// Host starts, watches and ends providers. It is safe for concurrent use.
type Host struct {
	options Options
	dir     *runtimeDir

	mu      sync.Mutex
	live    map[*host.Process]Process
	schemas map[[2]string]*schema.Schema // of third-party providers, by kind and name
	closed  bool
	watches sync.WaitGroup

	life     context.Context // ends with Close, and starts that are under way with it
	end      context.CancelFunc
	closing  sync.Once
	closeErr error
}

// NewHost returns a host that has started nothing yet. Close ends it.
func NewHost(o Options) (*Host, error) {
	if o.Self == "" {
		return nil, errors.New("plugin host: the path of the drydock executable is not known")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Health <= 0 {
		o.Health = defaultHealth
	}
	for i, b := range o.Builtins {
		if !slices.Contains(kinds(), b.Kind) || b.Name == "" || b.Schema == nil {
			return nil, fmt.Errorf("plugin host: built-in %s provider %q lacks a kind, a name or a schema", b.Kind, b.Name)
		}
		if find(o.Builtins[:i], b.Kind, b.Name) != nil {
			return nil, fmt.Errorf("plugin host: two built-in %s providers are named %q", b.Kind, b.Name)
		}
	}
	dir, err := newRuntimeDir(o.RuntimeDir)
	if err != nil {
		return nil, fmt.Errorf("plugin host: %w", err)
	}
	h := &Host{options: o, dir: dir, live: map[*host.Process]Process{}, schemas: map[[2]string]*schema.Schema{}}
	h.life, h.end = context.WithCancel(context.Background())
	return h, nil
}

// Schema returns the configuration schema of a provider. For a built-in one it starts no process; a third-party one is
// started once, if it is pinned, and asked. The error is an *UnknownProviderError, a *RefusedError, or says why the
// provider does not start.
func (h *Host) Schema(ctx context.Context, kind, name string) (*schema.Schema, error) {
	s, err := h.options.find(kind, name)
	if err != nil {
		return nil, err
	}
	if s.schema != nil {
		return s.schema, nil
	}
	key := [2]string{kind, name}
	h.mu.Lock()
	known := h.schemas[key]
	h.mu.Unlock()
	if known != nil {
		return known, nil
	}
	d, err := h.describe(ctx, s)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.schemas[key] = d.Schema
	return d.Schema, nil
}

// Storage starts and configures a storage provider. The result implements storage.Checker and storage.Digester if the
// provider does. A refused configuration is a *ConfigError.
func (h *Host) Storage(ctx context.Context, p job.Provider) (storage.Storage, error) {
	s, err := supervise(ctx, h, storage.Kind, p, (*host.Process).Storage)
	if err != nil {
		return nil, err
	}
	return newStore(s), nil
}

// Frames starts and configures a compressor. Closing the frames ends it. A refused configuration is a *ConfigError.
func (h *Host) Frames(ctx context.Context, p job.Provider, o host.FrameOptions) (*host.Frames, error) {
	process, err := h.launch(ctx, compress.Kind, p)
	if err != nil {
		return nil, err
	}
	o.StopOnClose = true
	var frames *host.Frames
	err = fault.Around("plugin.frames", func() (err error) {
		frames, err = process.Frames(ctx, o)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, stopNow(process))
	}
	return frames, nil
}

// Notifier starts and configures a notifier. A refused configuration is a *ConfigError.
func (h *Host) Notifier(ctx context.Context, p job.Provider) (notify.Notifier, error) {
	s, err := supervise(ctx, h, notify.Kind, p, (*host.Process).Notifier)
	if err != nil {
		return nil, err
	}
	return &notifier{s}, nil
}

// Processes returns the live providers, by kind, name and label.
func (h *Host) Processes() []Process {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]Process, 0, len(h.live))
	for _, p := range h.live {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Process) int {
		return slices.Compare([]string{a.Kind, a.Name, a.Label}, []string{b.Kind, b.Name, b.Label})
	})
	return list
}

// Close stops and reaps every provider, all at once, and removes the sockets. Once ctx has ended, it kills. After Close
// nothing is started any more. A second call waits for the first and returns its result.
func (h *Host) Close(ctx context.Context) error {
	h.closing.Do(func() {
		h.closeErr = fault.Around("plugin.close", func() error { return h.close(ctx) })
	})
	return h.closeErr
}

func (h *Host) close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	processes := make([]*host.Process, 0, len(h.live))
	for p := range h.live {
		processes = append(processes, p)
	}
	h.mu.Unlock()
	h.end()
	failures := make([]error, len(processes))
	var stops sync.WaitGroup
	for i, p := range processes {
		stops.Go(func() { failures[i] = p.Stop(ctx) })
	}
	stops.Wait()
	h.watches.Wait()
	return errors.Join(errors.Join(failures...), h.dir.remove())
}
