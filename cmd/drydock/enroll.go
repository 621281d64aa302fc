package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/enroll"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
)

func (a *app) enrollCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "enroll HOST:PORT --out DIR",
		Short: "make a key for a receiver, and have it certified with a token from there",
		Long: `enroll makes a key on this host, which never leaves it, and gets a certificate for it from a receiver where

  drydock-receiver enroll NAME --offer :PORT

waits for it. The token that this command has printed is asked for at the terminal, or read from standard input. It is good
for one certificate, and tells this host which receiver to trust.`,
		Args: exactArgs(1, "HOST:PORT"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.enroll(cmd.Context(), args[0], out) },
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "directory for key and certificates, which must not exist")
	_ = cmd.MarkFlagDirname("out")
	return cmd
}

func (a *app) enroll(ctx context.Context, address, out string) error {
	if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
		return usagef("%q is not HOST:PORT", address)
	}
	if out == "" {
		return usagef("name a directory for key and certificates with --out")
	}
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	text, err := a.askToken()
	if err != nil {
		return err
	}
	token, err := enroll.ParseToken(text)
	if err != nil {
		return &usageError{err}
	}
	name, err := enroll.Redeem(ctx, address, token, out)
	if err != nil {
		return err
	}
	a.printf("this host is enrolled as %q; for the job file:\n", name)
	for _, f := range [][2]string{{"ca_file  ", pki.BundleCA}, {"cert_file", pki.BundleCert}, {"key_file ", pki.BundleKey}} {
		a.printf("  %s = %q\n", f[0], filepath.Join(out, f[1]))
	}
	return nil
}

// askToken asks at the terminal, or reads a line of standard input: arguments show in process lists.
func (a *app) askToken() (string, error) {
	text, err := a.askPassphrase("Token: ")
	if err != nil || text != "" {
		return strings.TrimSpace(text), err
	}
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the token: %w", err)
	}
	return strings.TrimSpace(line), nil
}
