package main

import (
	"regexp"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/internal/scaffold"
)

const initLong = `init writes a Go module for a new provider: main function, configuration, a provider that works, its
conformance test, README, Makefile. It compiles and passes before you edit a line. Nothing is ever overwritten.

With --sdk the SDK is taken from a checkout of drydock, through a replace directive; without it, from the release that this
command belongs to.`

func (a *app) pluginInitCommand() *cobra.Command {
	var o scaffold.Options
	cmd := &cobra.Command{
		Use:   "init storage|compress|notify NAME",
		Short: "write the module of a new provider",
		Long:  initLong,
		Args:  exactArgs(2, "KIND and NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			o.Kind, o.Name, o.Release = args[0], args[1], a.version
			return a.initPlugin(o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.SDK, "sdk", "", "a checkout of drydock to take the SDK from")
	f.StringVar(&o.Module, "module", "", "path of the new module (default: example.com/drydock-KIND-NAME)")
	f.StringVar(&o.Dir, "dir", "", "directory to write to (default: drydock-KIND-NAME)")
	return cmd
}

func (a *app) initPlugin(o scaffold.Options) error {
	if _, err := findBuiltin(o.Kind, o.Name); err == nil {
		return usagef("%s provider %q is built in, and no other can have its name", o.Kind, o.Name)
	}
	if o.SDK == "" && !regexp.MustCompile(`^v\d+\.\d+\.\d+$`).MatchString(o.Release) {
		return usagef("this drydock (%s) is no release: name a checkout of its source with --sdk", o.Release)
	}
	dir, files, err := scaffold.Write(o)
	if err != nil {
		return &usageError{err}
	}
	for _, name := range files {
		a.printf("%s/%s\n", dir, name)
	}
	tidy := ""
	if o.SDK == "" {
		tidy = " && go mod tidy"
	}
	a.printf("\nnext: cd %s%s && make test\n", dir, tidy)
	return nil
}
