package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
	"github.com/drydock-backup/drydock/sdk/schema"
)

func enrollCommand() *cobra.Command {
	var dir, out, life string
	cmd := &cobra.Command{
		Use:   "enroll NAME",
		Short: "make a bundle for an agent: its certificate, its key, and the authority's certificate",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := schema.ParseDuration(life)
			if err != nil {
				return fmt.Errorf("--valid: %w", err)
			}
			a, err := pki.Open(dir, time.Now)
			if err != nil {
				return err
			}
			if out == "" {
				out = args[0]
			}
			cert, err := a.Enroll(args[0], out, d)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is enrolled until %s; bundle: %s\n", args[0], cert.NotAfter.UTC().Format(time.RFC3339), out)
			fmt.Fprintf(cmd.OutOrStdout(), "give the agent %s, %s and %s; nobody else needs the key, and it is not kept here\n",
				filepath.Join(out, pki.BundleCA), filepath.Join(out, pki.BundleCert), filepath.Join(out, pki.BundleKey))
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "pki", defaultPKI, "directory of keys and certificates")
	cmd.Flags().StringVar(&out, "out", "", "directory for the bundle, which must not exist (default: ./NAME)")
	cmd.Flags().StringVar(&life, "valid", "825d", "how long the certificate is good for")
	return cmd
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
