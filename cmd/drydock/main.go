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
	"sync"
	"syscall"

	"github.com/drydock-backup/drydock/agent"
)

// version is set at build time by -ldflags "-X main.version=...".
var version = "dev"

func main() { os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr)) }

// Main runs one command line and returns the exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	a := &app{version: version, stdout: stdout, stderr: stderr}
	ctx, stop := interruptible(stderr, &a.hangups)
	defer stop()
	root := a.rootCommand()
	root.SetArgs(args)
	return a.exitCode(root.ExecuteContext(ctx))
}

// interruptible returns a context that the first SIGINT, SIGTERM or SIGHUP (the terminal is gone) cancels. Later signals
// are swallowed: the way back to a running MySQL is not cut short by an impatient Ctrl-C. Nor by a reader of the output
// who has gone: without a handler, SIGPIPE would end the process while MySQL is down. The service has a use of its own for
// SIGHUP.
func interruptible(stderr io.Writer, hups *hangups) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sig := range signals {
			if sig == syscall.SIGPIPE || sig == syscall.SIGHUP && hups.handled() {
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

// hangups is who gets SIGHUP, if anybody does.
type hangups struct {
	mu sync.Mutex
	f  func()
}

// handle has f called for each SIGHUP from now on; nil gives the signal back its usual meaning.
func (h *hangups) handle(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.f = f
}

func (h *hangups) handled() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.f == nil {
		return false
	}
	h.f()
	return true
}
