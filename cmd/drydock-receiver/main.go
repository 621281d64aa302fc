// Command drydock-receiver keeps the backups of many agents: a server that takes resumable transfers over TLS with
// certificates on both sides.
//
// One file per subcommand; they wire packages together and print, nothing more. Exit codes: 0 done, 1 failed, 2 usage or
// invalid configuration.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/config"
)

// version is set at build time by -ldflags "-X main.version=...".
var version = "dev"

const (
	defaultConfig = "/etc/drydock-receiver/receiver.hcl"
	defaultPKI    = "/etc/drydock-receiver/pki"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use: "drydock-receiver", Short: "keep the backups of many agents", Version: version,
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(args)
	root.AddCommand(initCommand(), enrollCommand(), revokeCommand(), serveCommand(), checkCommand(), unitCommand())
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	return report(err, stderr)
}

// report prints an error, a refused configuration with the lines that are meant.
func report(err error, stderr io.Writer) int {
	var refused *config.Error
	if errors.As(err, &refused) {
		if e := hcl.NewDiagnosticTextWriter(stderr, refused.Sources, 100, false).WriteDiagnostics(refused.Diagnostics); e == nil {
			return 2
		}
	}
	fmt.Fprintln(stderr, "drydock-receiver:", err)
	return 1
}
