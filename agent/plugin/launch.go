package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/host"
)

// errClosed says that a call came after Close.
var errClosed = errors.New("the plugin host is closed")

// maxParent is the longest parent of a socket directory in bytes: the path of a Unix socket is limited to about 100.
const maxParent = 40

// socketDir makes a private directory. A parent that is too long for sockets is passed over.
func socketDir(parent string) (string, error) {
	for _, p := range []string{parent, os.TempDir(), "/tmp"} {
		if p != "" && len(p) <= maxParent {
			return os.MkdirTemp(p, "drydock-")
		}
	}
	return os.MkdirTemp("", "drydock-")
}

// environment is what providers get of the agent's environment: where to find programs, certificates and proxies, and how
// to show times. No variable that could hold a credential of the agent.
func environment(all []string) []string {
	allowed := []string{
		"PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
		"SYSTEMROOT", "SystemRoot", "TEMP", "TMP", "USERPROFILE", // Windows
	}
	var env []string
	for _, pair := range all {
		name, _, _ := strings.Cut(pair, "=")
		if slices.Contains(allowed, name) {
			env = append(env, pair)
		}
	}
	return env
}

// launch starts and configures a provider and watches it until it ends.
func (h *Host) launch(ctx context.Context, kind string, p job.Provider) (*host.Process, error) {
	b, err := h.builtin(kind, p.Type)
	if err != nil {
		return nil, err
	}
	process, err := h.start(ctx, b, p.Label)
	if err != nil {
		return nil, err
	}
	diags, err := process.Configure(ctx, p.Config.Reveal())
	switch {
	case err != nil:
		return nil, errors.Join(err, stopNow(process))
	case len(diags) > 0:
		_ = process.Stop(ctx)
		return nil, &ConfigError{Kind: kind, Provider: p, Diagnostics: diags}
	}
	return process, nil
}

func (h *Host) start(ctx context.Context, b *Builtin, label string) (*host.Process, error) {
	log := h.options.Log
	if label != "" {
		log = log.With("label", label)
	}
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, errClosed
	}
	h.watches.Add(1) // before the start, so that Close waits for a start that is under way
	h.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.life, cancel)()
	process, err := host.Start(ctx, host.Command{
		Kind: b.Kind, Name: b.Name, Path: h.options.Self, Args: []string{"plugin", "serve", b.Kind, b.Name},
		Env: environment(os.Environ()), SocketDir: h.dir, Log: log,
	})
	if err != nil {
		h.watches.Done()
		return nil, err
	}
	h.mu.Lock()
	h.live[process] = Process{Kind: b.Kind, Name: b.Name, Label: label, PID: process.PID()}
	closed := h.closed
	h.mu.Unlock()
	go h.watch(process)
	if closed {
		return nil, errors.Join(errClosed, stopNow(process))
	}
	return process, nil
}

// watch reports and cleans up after a provider that ended. Close waits for it.
func (h *Host) watch(process *host.Process) {
	defer h.watches.Done()
	<-process.Done()
	h.mu.Lock()
	label := h.live[process].Label
	delete(h.live, process)
	h.mu.Unlock()
	if err := process.Err(); err != nil {
		h.options.Log.Error("provider process died", "label", label, "error", err)
	}
	if err := stopNow(process); err != nil {
		h.options.Log.Warn("clean up after provider", "error", err)
	}
}

// stopNow kills a process that is of no use any more.
func stopNow(process *host.Process) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := process.Stop(ctx); err != nil {
		return fmt.Errorf("process %d: %w", process.PID(), err)
	}
	return nil
}
