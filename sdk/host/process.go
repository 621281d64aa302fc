package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/drydock-backup/drydock/sdk/errs"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
	"github.com/drydock-backup/drydock/sdk/internal/wire"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// callTimeout bounds the short control calls whose caller set no deadline.
const callTimeout = 30 * time.Second

// Process is a provider that runs. It is safe for concurrent use.
type Process struct {
	command Command
	tail    *tail
	pinned  *os.File        // the digested executable during the start; nil: not pinned
	ctx     context.Context // ends with Stop
	cancel  context.CancelFunc

	client      *goplugin.Client
	conn        *grpc.ClientConn
	description Description

	mu           sync.Mutex
	runner       *childRunner // nil until launched
	dir          string       // private directory of this process; removed at the end
	abandoned    bool         // nobody waits for the start any more
	stopping     bool
	killed       string // why Kill was called
	exit         error  // why the process ended; nil for a Stop
	hidden       *strings.Replacer
	capabilities map[string]bool

	pipes      atomic.Uint64 // pipes made so far
	done       chan struct{} // closed when the process has been reaped and its last words are read
	stopOnce   sync.Once
	stopErr    error
	background sync.WaitGroup
}

func newProcess(c Command) *Process {
	p := &Process{command: c, tail: &tail{}, done: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// Description tells who the provider is.
func (p *Process) Description() Description { return p.description }

// PID is the process id; it stays the same after the end.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runner == nil {
		return 0
	}
	return p.runner.pid()
}

// Done is closed when the process has ended and was reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is nil while the process runs and after Stop; else an *ExitError that says why it ended.
func (p *Process) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exit
}

// Configure opens the provider. Config is a JSON object and may hold secrets, which appear in no log line, error or
// diagnostic that comes from this process from now on. Diagnostics mean that the configuration is wrong.
func (p *Process) Configure(ctx context.Context, config []byte) ([]schema.Diagnostic, error) {
	p.learnSecrets(config)
	ctx, cancel := withDefault(ctx, callTimeout)
	defer cancel()
	r, err := pb.NewProviderClient(p.conn).Configure(ctx, &pb.ConfigureRequest{ConfigJson: config})
	if err != nil {
		return nil, fmt.Errorf("configure %s provider %q: %w", p.command.Kind, p.command.Name, p.callError(ctx, err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.capabilities = map[string]bool{}
	for _, c := range r.GetCapabilities() {
		p.capabilities[c] = true
	}
	diags := wire.FromDiagnostics(r.GetDiagnostics())
	for i := range diags {
		diags[i].Summary, diags[i].Detail = p.hideLocked(diags[i].Summary), p.hideLocked(diags[i].Detail)
	}
	return diags, nil
}

// Health asks the provider for a sign of life, for at most five seconds if ctx has no deadline.
func (p *Process) Health(ctx context.Context) error {
	ctx, cancel := withDefault(ctx, 5*time.Second)
	defer cancel()
	if _, err := pb.NewProviderClient(p.conn).Health(ctx, &pb.HealthRequest{}); err != nil {
		return fmt.Errorf("health of %s provider %q: %w", p.command.Kind, p.command.Name, p.callError(ctx, err))
	}
	return nil
}

// Storage returns the configured storage provider. The result implements storage.Checker and storage.Digester if the
// provider does.
func (p *Process) Storage() (storage.Storage, error) {
	if err := p.is(storage.Kind); err != nil {
		return nil, err
	}
	return newStorage(p), nil
}

// Notifier returns the configured notifier.
func (p *Process) Notifier() (notify.Notifier, error) {
	if err := p.is(notify.Kind); err != nil {
		return nil, err
	}
	return &notifier{process: p, rpc: pb.NewNotifierClient(p.conn)}, nil
}

func (p *Process) is(kind string) error {
	if p.command.Kind != kind {
		return errs.New(errs.Invalid, "%s provider %q is no %s provider", p.command.Kind, p.command.Name, kind)
	}
	return nil
}

func (p *Process) can(capability string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.capabilities[capability]
}

// learnSecrets remembers the values of sensitive attributes. Very short ones are left alone: hiding every "a" would hide
// the text and not the secret.
func (p *Process) learnSecrets(config []byte) {
	var members map[string]any
	if p.command.ShowSecrets || json.Unmarshal(config, &members) != nil {
		return
	}
	var pairs []string
	for name, value := range members {
		if a := p.description.Schema.Attribute(name); a != nil && a.Sensitive {
			for _, text := range stringsIn(value) {
				if len(text) >= 4 {
					pairs = append(pairs, text, "[redacted]")
				}
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hidden = strings.NewReplacer(pairs...)
}

func stringsIn(value any) []string {
	var all []string
	switch v := value.(type) {
	case string:
		all = append(all, v)
	case []any:
		for _, e := range v {
			all = append(all, stringsIn(e)...)
		}
	case map[string]any:
		for _, e := range v {
			all = append(all, stringsIn(e)...)
		}
	}
	return all
}

// hide takes the provider's secrets out of a text.
func (p *Process) hide(text string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hideLocked(text)
}

func (p *Process) hideLocked(text string) string {
	if p.hidden == nil {
		return text
	}
	return p.hidden.Replace(text)
}

// output logs what the provider prints where it should not.
func (p *Process) output(stream string) io.Writer {
	return &lineWriter{emit: func(line string) {
		p.command.Log.Debug("plugin output", "stream", stream, "line", p.hide(line))
	}}
}

func withDefault(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}

// callError turns the error of a call into one with a kind. A provider's own error comes through as it is; else the call
// ended because the caller gave up, or because the process died.
func (p *Process) callError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if classified := wire.Classified(err); classified != nil {
		return p.hideError(classified)
	}
	if ctx.Err() != nil {
		return &errs.Error{Kind: errs.Canceled, Err: ctx.Err()}
	}
	select { // the connection breaks a moment before the end of the process is seen
	case <-p.done:
		return p.gone()
	case <-ctx.Done():
		return &errs.Error{Kind: errs.Canceled, Err: ctx.Err()}
	case <-time.After(breakWait(err)):
		return p.broken(err)
	}
}

// gone is the error of calls to a process that has ended.
func (p *Process) gone() error {
	if err := p.Err(); err != nil {
		return &errs.Error{Kind: errs.Transient, Err: err}
	}
	return errs.New(errs.Permanent, "%s provider %q was stopped", p.command.Kind, p.command.Name)
}

// hideError hides secrets in an error that came from the provider.
func (p *Process) hideError(err error) error {
	var e *errs.Error
	var remote *wire.Remote
	if errors.As(err, &e) && errors.As(err, &remote) {
		remote.Text = p.hide(remote.Text)
	}
	return err
}
