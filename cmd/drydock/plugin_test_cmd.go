package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/sdk/conformance"
)

const testLong = `test starts a provider as the agent would, once or more for each case, and holds it to everything that its kind
promises: the same cases that the official providers pass. BINARY is a provider of your own, named
drydock-KIND-NAME unless --kind and --name say who it is. KIND and NAME alone are a built-in provider.

The provider's configuration comes from --set NAME=VALUE, or as a JSON object from --config. Three words in its texts
stand for something else in each case:

  {dir}       a new, empty directory: the place of a storage provider. Without it all cases share one place, such as a
              bucket, under random prefixes that are removed afterwards
  {address}   the address of an HTTP server that takes what a notifier sends, http://127.0.0.1:PORT. Without it, the cases
              that need the other side of a notifier are left out
  {secret}    a random text. Wherever it shows in a log, an error or a process list, the case fails

For example:

  drydock plugin test ./drydock-storage-mine --set path={dir}
  drydock plugin test ./drydock-notify-mine --set url={address}/hook/{secret} --set timeout=1s
  drydock plugin test compress zstd

Exit code 0: every case passed; 1: one failed; 2: the provider cannot be tested like this.`

// pluginTest is the flags of the command.
type pluginTest struct {
	kind, name  string
	config      string
	set         []string
	run         string
	timeout     time.Duration
	strict      bool
	verbose     bool
	objects     int
	chunkSize   string
	fullDir     string
	idHeader    string
	textHeaders []string
}

func (a *app) pluginTestCommand() *cobra.Command {
	var o pluginTest
	cmd := &cobra.Command{
		Use:   "test BINARY | test KIND NAME",
		Short: "hold a provider to what its kind promises",
		Long:  testLong,
		Args:  oneOrTwo("BINARY, or KIND and NAME"),
		RunE:  func(cmd *cobra.Command, args []string) error { return a.testPlugin(cmd.Context(), &o, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.kind, "kind", "", "storage, compress or notify (default: from the name of BINARY)")
	f.StringVar(&o.name, "name", "", "the provider's name (default: from the name of BINARY)")
	f.StringVar(&o.config, "config", "", "file with the configuration as a JSON object; - is standard input")
	f.StringArrayVar(&o.set, "set", nil, "NAME=VALUE of the configuration; a list is a,b and a map k=v,k=v; may be repeated")
	f.StringVar(&o.run, "run", "", "only the cases whose name matches this regular expression")
	f.DurationVar(&o.timeout, "timeout", 2*time.Minute, "how long a case may take")
	f.BoolVar(&o.strict, "strict", false, "fail when the process costs more than official ones may: 150 ms to start, 30 MiB")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print what passing cases have to say, too")
	f.IntVar(&o.objects, "objects", 1100, "storage: how many objects are more than one page of the store's listing")
	f.StringVar(&o.chunkSize, "chunk-size", "64KiB", "storage: size of most chunks; some stores have a least size")
	f.StringVar(&o.fullDir, "full-dir", "", "storage: an empty directory on a file system of about 4 MiB, for the case full")
	f.StringVar(&o.idHeader, "id-header", "", "notify: the request header with the event's id (default: the usual ones)")
	f.StringArrayVar(&o.textHeaders, "text-header", nil, "notify: a request header that people see, such as Title; may be repeated")
	a.jsonFlag(cmd, "print one JSON array: case, status (pass, fail, skip), seconds, detail")
	return cmd
}

// oneOrTwo is for commands that take a binary, or the kind and name of a built-in provider.
func oneOrTwo(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 && len(args) != 2 {
			return usagef("%s needs %s; see drydock plugin %s --help", cmd.Name(), what, cmd.Name())
		}
		return nil
	}
}

// pluginTestAgentCommand is the agent that the case orphan kills.
func (a *app) pluginTestAgentCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "test-agent",
		Short:  "be the agent of a conformance case (started by drydock itself)",
		Hidden: true,
		Args:   exactArgs(0, "no argument"),
		RunE:   func(*cobra.Command, []string) error { return conformance.PlayAgent(os.Stdin, a.stdout) },
	}
}

func (a *app) testPlugin(ctx context.Context, o *pluginTest, args []string) error {
	only, err := regexp.Compile(o.run)
	if err != nil {
		return usagef("--run: %v", err)
	}
	binary, err := providerBinary(o.kind, o.name, args)
	if err != nil {
		return err
	}
	r := a.newReport(o, binary)
	suite, err := o.suite(ctx, binary)
	var broken *brokenError
	switch {
	case errors.As(err, &broken):
		r.result(broken.result)
		return r.finish()
	case err != nil:
		return err
	}
	r.head(suite.description)
	for _, c := range suite.cases {
		if !only.MatchString(c.Name) {
			continue
		}
		if ctx.Err() != nil {
			return errors.Join(r.finish(), context.Cause(ctx))
		}
		r.result(conformance.Run(ctx, c, o.timeout))
	}
	for _, m := range suite.missing {
		if only.MatchString(m.Name) {
			r.skipped(m)
		}
	}
	if r.total() == 0 {
		return usagef("--run %q: no case has such a name", o.run)
	}
	return r.finish()
}

// brokenError says that a provider does not even start.
type brokenError struct{ result conformance.Result }

func (e *brokenError) Error() string {
	return fmt.Sprintf("the provider does not start: %v", e.result.Log)
}
