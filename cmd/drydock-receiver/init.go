package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
)

// initOptions is what init is asked for.
type initOptions struct {
	config, pki, root string
	hosts, listen     []string
	renew             bool
}

func initCommand() *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "make an authority, the server's certificate, and a configuration with comments",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return initialise(cmd, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", defaultConfig, "configuration to write; one that is there is kept")
	f.StringVar(&o.pki, "pki", defaultPKI, "directory of keys and certificates")
	f.StringVar(&o.root, "root", "/srv/drydock", "directory that will hold the backups")
	f.StringSliceVar(&o.hosts, "host", nil, "name or IP address by which agents reach this receiver; may be repeated (default: this host's name)")
	f.StringSliceVar(&o.listen, "listen", []string{"0.0.0.0:7441", "[::]:7441"}, "address to listen on; may be repeated")
	f.BoolVar(&o.renew, "renew", false, "only make a new certificate for the server, signed by the authority that is there")
	return cmd
}

func initialise(cmd *cobra.Command, o initOptions) error {
	for _, path := range []*string{&o.config, &o.pki, &o.root} {
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	if len(o.hosts) == 0 {
		name, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("find this host's name (give one with --host): %w", err)
		}
		o.hosts = []string{name, "localhost", "127.0.0.1", "::1"}
	}
	authority, err := authorityFor(o)
	if err != nil {
		return err
	}
	if err := authority.Server(o.hosts, pki.ServerLife); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "server's certificate for %s: %s\n", strings.Join(o.hosts, ", "), filepath.Join(o.pki, pki.ServerFile))
	if o.renew {
		return nil
	}
	if err := writeConfig(cmd, o); err != nil {
		return err
	}
	if err := os.MkdirAll(o.root, 0o700); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "next: drydock-receiver enroll NAME --pki %s; drydock-receiver serve --config %s\n", o.pki, o.config)
	return nil
}

// authorityFor makes the authority, or opens the one that is there.
func authorityFor(o initOptions) (*pki.Authority, error) {
	if o.renew {
		return pki.Open(o.pki, time.Now)
	}
	a, err := pki.Create(o.pki, time.Now)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w (init --renew makes a new certificate for the server and keeps the authority)", err)
	}
	return a, err
}

func writeConfig(cmd *cobra.Command, o initOptions) error {
	if err := os.MkdirAll(filepath.Dir(o.config), 0o755); err != nil {
		return err
	}
	var listen []string
	for _, a := range o.listen {
		if _, _, err := net.SplitHostPort(a); err != nil {
			return fmt.Errorf("--listen %q: %w", a, err)
		}
		listen = append(listen, strconv.Quote(a))
	}
	file := func(name string) string { return strconv.Quote(filepath.Join(o.pki, name)) }
	text := strings.NewReplacer(
		"@listen@", strings.Join(listen, ", "), "@root@", strconv.Quote(o.root), "@ca@", file(pki.CAFile),
		"@cert@", file(pki.ServerFile), "@key@", file(pki.ServerKeyFile), "@revoked@", file(pki.RevokedFile),
	).Replace(template)
	f, err := os.OpenFile(o.config, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, fs.ErrExist) {
		fmt.Fprintf(cmd.OutOrStdout(), "configuration is there already: %s\n", o.config)
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "configuration: %s\n", o.config)
	return nil
}
