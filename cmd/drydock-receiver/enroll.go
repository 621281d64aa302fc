package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/enroll"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// enrollment is what enroll is asked for.
type enrollment struct {
	name, pki, out, offer string
	life, within          string
}

func enrollCommand() *cobra.Command {
	var e enrollment
	cmd := &cobra.Command{
		Use:   "enroll NAME",
		Short: "make a bundle for an agent (certificate, key, authority), or offer it a certificate for its own key",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			e.name = args[0]
			d, err := schema.ParseDuration(e.life)
			if err != nil {
				return fmt.Errorf("--valid: %w", err)
			}
			a, err := pki.Open(e.pki, time.Now)
			if err != nil {
				return err
			}
			if e.offer != "" {
				return e.wait(cmd.Context(), cmd.OutOrStdout(), a, d)
			}
			return e.bundle(cmd.OutOrStdout(), a, d)
		},
	}
	f := cmd.Flags()
	f.StringVar(&e.pki, "pki", defaultPKI, "directory of keys and certificates")
	f.StringVar(&e.out, "out", "", "directory for the bundle, which must not exist (default: ./NAME)")
	f.StringVar(&e.life, "valid", "825d", "how long the certificate is good for")
	f.StringVar(&e.offer, "offer", "",
		"instead of a bundle: print a token, and wait at this address (HOST:PORT, or :PORT) for \"drydock enroll\"")
	f.StringVar(&e.within, "within", "15m", "how long to wait")
	cmd.MarkFlagsMutuallyExclusive("out", "offer")
	return cmd
}

func (e enrollment) bundle(w io.Writer, a *pki.Authority, life time.Duration) error {
	out := e.out
	if out == "" {
		out = e.name
	}
	cert, err := a.Enroll(e.name, out, life)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s is enrolled until %s; bundle: %s\n", e.name, cert.NotAfter.UTC().Format(time.RFC3339), out)
	fmt.Fprintf(w, "give the agent %s, %s and %s; nobody else needs the key, and it is not kept here\n",
		filepath.Join(out, pki.BundleCA), filepath.Join(out, pki.BundleCert), filepath.Join(out, pki.BundleKey))
	return nil
}

// wait offers a certificate until somebody has it.
func (e enrollment) wait(ctx context.Context, w io.Writer, a *pki.Authority, life time.Duration) error {
	const least, most = time.Second, 24 * time.Hour
	within, err := schema.ParseDuration(e.within)
	if err == nil && (within < least || within > most) {
		err = fmt.Errorf("%s is not %s to %s", within, least, most)
	}
	if err != nil {
		return fmt.Errorf("--within: %w", err)
	}
	offer, token, err := enroll.New(a, e.name, life)
	if err != nil {
		return err
	}
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", e.offer)
	if err != nil {
		return fmt.Errorf("--offer: %w", err)
	}
	fmt.Fprintf(w, "waiting at %s until %s for: drydock enroll HOST:PORT --out DIR\n", l.Addr(),
		time.Now().Add(within).UTC().Format(time.RFC3339))
	fmt.Fprintf(w, "its token, a secret that is good for one certificate:\n%s\n", token.Text())
	if err := offer.Serve(ctx, l, within); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s is enrolled\n", e.name)
	return nil
}

func revokeCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "revoke NAME",
		Short: "revoke every certificate of a client; a running server notices within seconds and cuts its connections",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := pki.Open(dir, time.Now)
			if err != nil {
				return err
			}
			n, err := a.Revoke(args[0])
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "%d certificate(s) of %s revoked\n", n, args[0])
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "pki", defaultPKI, "directory of keys and certificates")
	return cmd
}
