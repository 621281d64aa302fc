package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/config"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/server"
)

// lookInterval is how often certificates and revocations are looked at.
const lookInterval = 3 * time.Second

func serveCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "take and give backups until SIGTERM; SIGHUP reads the configuration again",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r := &receiver{name: name, out: cmd.OutOrStdout()}
			return r.run(cmd.Context(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&name, "config", defaultConfig, "configuration")
	return cmd
}

func checkCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "tell what is wrong with a configuration",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := config.Load(name)
			if err == nil {
				_, err = pki.Load(f.TLS)
			}
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), "the configuration is sound")
			}
			return err
		},
	}
	cmd.Flags().StringVar(&name, "config", defaultConfig, "configuration")
	return cmd
}

// receiver is a server and what it was made of.
type receiver struct {
	name   string // of the configuration
	out    io.Writer
	file   *config.File
	trust  *pki.Trust
	level  slog.LevelVar
	log    *slog.Logger
	access *accessLog
	server *server.Server
}

func (r *receiver) run(ctx context.Context, stderr io.Writer) error {
	var err error
	if r.file, err = config.Load(r.name); err != nil {
		return err
	}
	if r.trust, err = pki.Load(r.file.TLS); err != nil {
		return err
	}
	r.setLevel()
	r.log = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: &r.level}))
	p, err := r.file.Server.Policy("any-client")
	if err != nil {
		return err
	}
	root, err := openRoot(r.file.Root, strings.Count(p.Dir, "/")+1)
	if err != nil {
		return err
	}
	if r.access, err = openAccessLog(r.file.AccessLog, r.out); err != nil {
		return errors.Join(err, root.close())
	}
	r.server = server.New(server.Options{
		Config: r.file.Server, Trust: r.trust, Open: root.open, Unfinished: root.unfinished,
		Log: r.log, Access: slog.New(slog.NewJSONHandler(r.access, nil)),
	})
	return errors.Join(r.serve(ctx), r.server.Close(), root.close(), r.access.Close())
}

func (r *receiver) setLevel() { _ = r.level.UnmarshalText([]byte(r.file.LogLevel)) } // config knows the levels

// serve listens and serves until ctx ends.
func (r *receiver) serve(ctx context.Context) error {
	listeners, err := r.listeners(ctx)
	if err != nil {
		return err
	}
	admin, err := r.admin(ctx)
	if err != nil {
		return err
	}
	defer admin()
	for _, l := range listeners {
		r.log.Info("listening", "address", l.Addr().String())
	}
	watching, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); r.watch(watching) }()
	defer func() { stop(); <-done }()
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReady) // nobody listens when systemd has not started us
	defer context.AfterFunc(ctx, func() { _, _ = daemon.SdNotify(false, daemon.SdNotifyStopping) })()
	return r.server.Serve(ctx, listeners, r.file.DrainTimeout)
}

// listeners are the sockets that systemd hands over, and those of the configuration.
func (r *receiver) listeners(ctx context.Context) ([]net.Listener, error) {
	handed, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("take over sockets: %w", err)
	}
	var all []net.Listener
	for _, l := range handed {
		if l != nil {
			all = append(all, l)
		}
	}
	if len(all) > 0 {
		return all, nil // the unit says where to listen
	}
	for _, address := range r.file.Listen {
		var c net.ListenConfig
		network := "tcp"
		if strings.HasPrefix(address, "0.0.0.0:") {
			network = "tcp4" // beside [::]
		} else if strings.HasPrefix(address, "[::]:") {
			network = "tcp6"
		}
		l, err := c.Listen(ctx, network, address)
		if err != nil {
			for _, open := range all {
				err = errors.Join(err, open.Close())
			}
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// admin serves metrics and health, and returns the function that ends that.
func (r *receiver) admin(ctx context.Context) (end func(), err error) {
	if r.file.Metrics == "" {
		return func() {}, nil
	}
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", r.file.Metrics)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics: %w", err)
	}
	r.log.Info("metrics", "address", l.Addr().String())
	const patience = 10 * time.Second
	h := &http.Server{Handler: r.server.Admin(), ReadTimeout: patience, WriteTimeout: 3 * patience, MaxHeaderBytes: 16 << 10}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			r.log.Error("serve metrics", "error", err)
		}
	}()
	return func() { _ = h.Close(); <-done }, nil
}

// watch reads the configuration again on SIGHUP, and certificates when their files are replaced, until ctx ends.
func (r *receiver) watch(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			r.reload()
		case <-tick.C:
			if r.trust.Changed(r.file.TLS) {
				r.reloadTrust(r.file.TLS)
			}
		}
	}
}

// reload takes over a new configuration, when all of it is sound.
func (r *receiver) reload() {
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReloading+"\n"+daemon.SdNotifyMonotonicUsec())
	defer func() { _, _ = daemon.SdNotify(false, daemon.SdNotifyReady) }()
	next, err := config.Load(r.name)
	if err == nil {
		err = r.fixed(next)
	}
	if err != nil {
		r.log.Error("the new configuration was refused; the old one holds", "error", err)
		return
	}
	if !r.reloadTrust(next.TLS) {
		return
	}
	r.file = next
	r.setLevel()
	if err := r.access.reopen(); err != nil {
		r.log.Error("open the access log again", "error", err)
	}
	if err := r.server.SetConfig(next.Server); err != nil {
		r.log.Error("a client keeps what it had", "error", err)
	}
	r.log.Info("configuration read")
}

// fixed refuses a configuration that would move what is there, and says what takes a restart.
func (r *receiver) fixed(next *config.File) error {
	before, errBefore := r.file.Server.Policy("any-client")
	after, errAfter := next.Server.Policy("any-client")
	switch {
	case errBefore != nil || errAfter != nil:
		return errors.Join(errBefore, errAfter)
	case next.Root != r.file.Root || before.Dir != after.Dir:
		return errors.New("root, layout and the general group cannot change while the server runs")
	case !reflect.DeepEqual(next.Listen, r.file.Listen) || next.Metrics != r.file.Metrics || next.AccessLog != r.file.AccessLog ||
		next.Server.MaxConnections != r.file.Server.MaxConnections || next.Server.MaxTransfers != r.file.Server.MaxTransfers:
		r.log.Warn("addresses, access log, max_connections and max_transfers take effect at the next start")
	}
	return nil
}

// reloadTrust takes over new certificates, when all of them are sound.
func (r *receiver) reloadTrust(files pki.Files) bool {
	next, err := pki.Load(files)
	if err != nil {
		r.log.Error("new certificates were refused; the old ones hold", "error", err)
		return false
	}
	r.trust = next
	r.server.SetTrust(next)
	r.log.Info("certificates read", "expires", next.Expires)
	return true
}
