package main

import (
	"github.com/spf13/cobra"
)

func (a *app) pluginCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "plugin", Short: "storage, compression and notification providers"}
	cmd.AddCommand(
		a.pluginListCommand(), a.pluginLockCommand(), a.pluginDocsCommand(),
		a.pluginInitCommand(), a.pluginTestCommand(), a.pluginTestAgentCommand(), a.pluginServeCommand(),
	)
	return group(cmd)
}

func (a *app) pluginServeCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "serve KIND NAME",
		Short:  "be a provider process (started by drydock itself)",
		Hidden: true,
		Args:   exactArgs(2, "KIND and NAME"),
		RunE:   func(_ *cobra.Command, args []string) error { return serve(args[0], args[1]) },
	}
}
