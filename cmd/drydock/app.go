package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/drydock-backup/drydock/agent"
)

// memoryLimit keeps the agent's garbage below what a small host notices; the compressor's frames are not in it.
const memoryLimit = 64 << 20

// app is what the commands share: where to print, and the flags of the root command.
type app struct {
	version        string
	stdout, stderr io.Writer

	config    string // the agent file; empty: none
	dataDir   string
	spoolDir  string
	plugins   pluginFlags
	logLevel  string
	logFormat string
	json      bool
	file      string // --file of the commands that need a job

	jobsDir string // of the service, from the agent file
	queue   agent.Queue
	service bool // this process is the service
	hangups hangups
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "drydock",
		Short:         "cold backups of MySQL and MariaDB that always bring the server back",
		Long:          rootLong,
		Version:       a.version,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			debug.SetMemoryLimit(memoryLimit)
			return a.readConfig(cmd)
		},
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	a.configFlags(root)
	root.AddCommand(
		a.validateCommand(), a.fmtCommand(), a.planCommand(), a.runCommand(), a.resumeCommand(), a.cancelCommand(),
		a.recoverCommand(), a.runsCommand(), a.backupsCommand(), a.verifyCommand(), a.restoreCommand(), a.notifyCommand(),
		a.agentCommand(), a.pluginCommand(), a.manCommand(), a.guardianCommand(),
		a.keygenCommand(), a.sealCommand(), a.openCommand(), a.resealCommand(), a.enrollCommand(),
	)
	return group(root)
}

const rootLong = `drydock makes cold physical backups of MySQL and MariaDB: it stops the server, copies the data
directory into Data.zip, ships it to every target, starts the server again and proves both: that the server is up and
that the backup can be read back.

Exit codes: 0 done; 1 failed, MySQL is up; 2 usage or invalid configuration; 3 failed and MySQL is DOWN; 4 stored, but
not everywhere; 5 verification found damage; 130 cancelled, MySQL is up.`

// group makes a command that only holds others: alone it shows its help, and a name that it does not hold is a mistake.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args, cmd.SuggestionsMinimumDistance = cobra.ArbitraryArgs, 2
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		hint := "see " + cmd.CommandPath() + " --help"
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = fmt.Sprintf("did you mean %q?", near[0])
		}
		return usagef("unknown command %q: %s", args[0], hint)
	}
	return cmd
}

// usageArgs makes the complaints of a cobra validator usage errors.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usagef("%w; see %s --help", err, cmd.CommandPath())
		}
		return nil
	}
}

// exactArgs is cobra.ExactArgs with an error that counts as a usage error.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s needs %s; see drydock %s --help", cmd.Name(), what, cmd.Name())
		}
		return nil
	}
}

func (a *app) fileFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&a.file, "file", "f", "", "the job file")
	_ = cmd.MarkFlagFilename("file", "hcl")
}

func (a *app) jsonFlag(cmd *cobra.Command, what string) {
	cmd.Flags().BoolVar(&a.json, "json", false, what)
}

// defaultDataDir is the user's state directory; the service's is set by its agent file.
func defaultDataDir() string {
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "drydock")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "state", "drydock")
	}
	return filepath.Join(os.TempDir(), "drydock")
}

// terminal returns w's width when w is a terminal.
func terminal(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ")
}

func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.stdout, format, args...) }
