// Command testenv installs the real servers and tools that drydock's tests use.
//
//	go run ./internal/testenv/cmd/testenv install            # everything
//	go run ./internal/testenv/cmd/testenv install mysql tools
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// limit bounds an installation: a slow mirror is one thing, a dead one another.
const limit = 20 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "testenv:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "install" {
		return fmt.Errorf("usage: testenv install [%s]", strings.Join(install.Components(), "|"))
	}
	names := args[1:]
	all := len(names) == 0
	if all {
		names = install.Components()
	}
	for _, name := range names {
		// a real systemd runs in a container, which root alone can start; its tests say so themselves
		if all && name == install.Systemd && os.Geteuid() != 0 {
			fmt.Println("systemd: left out, because it needs root")
			continue
		}
		if err := install.Install(ctx, name, os.Stdout); err != nil {
			return fmt.Errorf("install %s: %w", name, err)
		}
		fmt.Println(name + ": installed")
	}
	return nil
}
