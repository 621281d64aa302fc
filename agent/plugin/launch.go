package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// errClosed says that a call came after Close.
var errClosed = errors.New("the plugin host is closed")

// Environment is what a provider gets of the agent's environment: where to find programs, certificates and proxies, and how
// to show times. No variable that could hold a credential, unless the provider is built in and named it in more.
func Environment(all, more []string) []string {
	allowed := append([]string{
		"PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
		"SYSTEMROOT", "SystemRoot", "TEMP", "TMP", "USERPROFILE", // Windows
	}, more...)
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
	s, err := h.options.find(kind, p.Type)
	if err != nil {
		return nil, err
	}
	process, err := h.start(ctx, s, p.Label)
	if err != nil {
		return nil, err
	}
	var diags []schema.Diagnostic
	err = fault.Around("plugin.configure", func() (err error) {
		diags, err = process.Configure(ctx, p.Config.Reveal())
		return err
	})
	switch {
	case err != nil:
		return nil, errors.Join(err, stopNow(process))
	case len(diags) > 0:
		_ = process.Stop(ctx)
		return nil, &ConfigError{Kind: kind, Provider: p, Diagnostics: diags}
	}
	return process, nil
}

// start starts a provider and watches it until it ends. The digest of a third-party provider is checked once more, at the
// file that is then executed.
func (h *Host) start(ctx context.Context, s *source, label string) (*host.Process, error) {
	log := h.options.Log
	if label != "" {
		log = log.With("label", label)
	}
	if !h.enter() {
		return nil, errClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.life, cancel)()
	var process *host.Process
	err := fault.Around("plugin.start", func() (err error) {
		process, err = host.Start(ctx, host.Command{
			Kind: s.kind, Name: s.name, Path: s.path, Args: s.args, SHA256: s.sha256,
			Env: Environment(os.Environ(), s.environment), SocketDir: h.dir.path, Log: log,
		})
		return err
	})
	if err != nil {
		h.watches.Done()
		return nil, changed(s.kind, s.name, err)
	}
	h.mu.Lock()
	h.live[process] = Process{Kind: s.kind, Name: s.name, Label: label, PID: process.PID()}
	closed := h.closed
	h.mu.Unlock()
	go h.watch(process)
	if closed {
		return nil, errors.Join(errClosed, stopNow(process))
	}
	if v := process.Description().Version; s.version != "" && v != s.version {
		err := refused(s.kind, s.name, &reason{fmt.Sprintf("it calls its version %q, pinned is %q", v, s.version),
			fmt.Sprintf("somebody has edited the lock file; pin it again: drydock plugin lock %s %s", s.kind, s.name)})
		return nil, errors.Join(err, stopNow(process))
	}
	return process, nil
}

// enter counts a start in, unless the host is closed, so that Close waits for it.
func (h *Host) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.watches.Add(1)
	return true
}

// watch sees that a provider lives, and reports and cleans up after it when it has ended. Close waits for it.
func (h *Host) watch(process *host.Process) {
	defer h.watches.Done()
	h.attend(process)
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
