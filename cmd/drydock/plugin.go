package main

import (
	"github.com/spf13/cobra"
)

func (a *app) pluginCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "plugin", Short: "storage, compression and notification providers"}
	cmd.AddCommand(a.pluginListCommand(), a.pluginDocsCommand(), a.pluginTestCommand(), a.pluginTestAgentCommand(), a.pluginServeCommand())
	return group(cmd)
}

func (a *app) pluginListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list the providers that job files can name",
		Args:  exactArgs(0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			return a.listProviders()
		},
	}
	a.jsonFlag(cmd, "print one JSON array: kind, name, version, doc")
	return cmd
}

type providerRow struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Doc     string `json:"doc"`
}

func (a *app) listProviders() error {
	rows := []providerRow{}
	for _, b := range builtins() {
		rows = append(rows, providerRow{b.Kind, b.Name, b.Version, b.Doc})
	}
	if a.json {
		return a.printJSON(rows)
	}
	t := a.table("KIND", "NAME", "VERSION", "DOES")
	for _, r := range rows {
		t.row(r.Kind, r.Name, r.Version, firstLine(r.Doc))
	}
	return t.flush()
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
