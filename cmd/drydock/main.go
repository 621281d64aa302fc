// Command drydock makes cold backups of MySQL and MariaDB: stop, copy, start, prove.
//
// One file per subcommand; they wire packages together and print, nothing more. Exit codes are a contract (exit.go).
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/drydock-backup/drydock/agent"
)

// version is set at build time by -ldflags "-X main.version=...".
var version = "dev"

func main() { os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr)) }

// Main runs one command line and returns the exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := interruptible(stderr)
	defer stop()
	a := &app{version: version, stdout: stdout, stderr: stderr}
	root := a.rootCommand()
	root.SetArgs(args)
	return a.exitCode(root.ExecuteContext(ctx))
}

// interruptible returns a context that the first SIGINT, SIGTERM or SIGHUP (the terminal is gone) cancels. Later signals
// are swallowed: the way back to a running MySQL is not cut short by an impatient Ctrl-C. Nor by a reader of the output
// who has gone: without a handler, SIGPIPE would end the process while MySQL is down.
func interruptible(stderr io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sig := range signals {
			if sig == syscall.SIGPIPE {
				continue
			}
			if ctx.Err() == nil {
				cancel(&agent.Interrupt{By: "signal: " + sig.String(), Hold: sig == os.Interrupt})
				continue
			}
			fmt.Fprintln(stderr, "drydock: already stopping; putting everything back first")
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		<-done
		cancel(nil)
	}
}
