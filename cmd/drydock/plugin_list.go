package main

import (
	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent/plugin"
)

func (a *app) pluginListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list the providers that job files can name",
		Long: `list shows the built-in providers and the third-party ones that are in the lock file or have a plugin block in the
agent file. It checks third-party providers as a launch would, but runs none.`,
		Args: exactArgs(0, "no argument"),
		RunE: func(*cobra.Command, []string) error { return a.listProviders() },
	}
	a.jsonFlag(cmd, "print one JSON array: kind, name, version, doc, source, locked, problem")
	return cmd
}

type providerRow struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Version string `json:"version"` // of a third-party provider: as it was pinned
	Doc     string `json:"doc"`     // of a built-in provider
	Source  string `json:"source"`  // "built-in" or the executable
	Locked  bool   `json:"locked"`
	Problem string `json:"problem"` // why it would be refused; empty: it would not
}

func (a *app) listProviders() error {
	o, err := a.pluginOptions()
	if err != nil {
		return err
	}
	if err := a.lockUsable(o); err != nil {
		return err
	}
	rows := []providerRow{}
	for _, l := range plugin.List(o) {
		r := providerRow{Kind: l.Kind, Name: l.Name, Version: l.Version, Doc: l.Doc, Source: l.Path, Locked: l.Pin != nil}
		if l.Builtin {
			r.Source = "built-in"
		}
		if l.Err != nil {
			r.Problem = l.Err.Error()
		}
		rows = append(rows, r)
	}
	if a.json {
		return a.printJSON(rows)
	}
	t := a.table("KIND", "NAME", "VERSION", "SOURCE", "LOCKED", "")
	for _, r := range rows {
		t.row(r.Kind, r.Name, orDash(printable(r.Version)), orDash(printable(r.Source)), lockedMark(r), note(r))
	}
	return t.flush()
}

// lockedMark says whether a provider is pinned; a built-in one need not be.
func lockedMark(r providerRow) string {
	switch {
	case r.Source == "built-in":
		return "-"
	case r.Locked:
		return "yes"
	}
	return "no"
}

func note(r providerRow) string {
	if r.Problem != "" {
		return r.Problem
	}
	return firstLine(r.Doc)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
