package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/plugin"
	"github.com/drydock-backup/drydock/hcl"
)

// pluginFlags are what the root command knows about third-party providers, from flags or from the agent file.
type pluginFlags struct {
	dir      string
	lock     string
	required []plugin.Requirement
}

// configFlags declares the flags that an agent file can set too. A flag that is given wins over the file.
func (a *app) configFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&a.config, "config", "", "the agent file (agent.hcl); flags win over what it sets (default: none)")
	f.StringVar(&a.dataDir, "data-dir", defaultDataDir(), "where drydock keeps its own state")
	f.StringVar(&a.spoolDir, "spool-dir", "", "where chunks wait until they are shipped (default: spool under --data-dir)")
	f.StringVar(&a.plugins.dir, "plugin-dir", "", "where third-party providers are installed (default: nowhere)")
	f.StringVar(&a.plugins.lock, "lock", "",
		"the lock file of third-party providers (default: "+hcl.LockFileName+" beside the agent file, without one in --plugin-dir)")
	f.StringVar(&a.logLevel, "log-level", "warn", "what to log on standard error: debug, info, warn or error")
	f.StringVar(&a.logFormat, "log-format", "text", "how to log: text or json")
	_ = root.MarkPersistentFlagFilename("config", "hcl")
}

// readConfig reads the agent file and keeps what no flag has set.
func (a *app) readConfig(cmd *cobra.Command) error {
	if a.config == "" {
		return nil
	}
	loader := &hcl.Loader{Builtin: isBuiltin}
	file, diags := loader.LoadAgentFile(a.config)
	if err := a.diagnosed(diags); err != nil {
		return err
	}
	for _, s := range []struct {
		flag, value string
		to          *string
	}{
		{"data-dir", file.DataDir, &a.dataDir},
		{"spool-dir", file.SpoolDir, &a.spoolDir},
		{"plugin-dir", file.PluginDir, &a.plugins.dir},
		{"log-level", file.LogLevel, &a.logLevel},
		{"log-format", file.LogFormat, &a.logFormat},
	} {
		if !cmd.Flags().Changed(s.flag) {
			*s.to = cmp.Or(s.value, *s.to)
		}
	}
	a.jobsDir = file.JobsDir
	a.queue = agent.Queue{
		MaxBytes: file.QueueBytes, RetryMin: file.RetryMin, RetryMax: file.RetryMax, Patience: file.Patience,
	}
	for _, p := range file.Plugins {
		a.plugins.required = append(a.plugins.required, plugin.Requirement(p))
	}
	return nil
}

func isBuiltin(kind, name string) bool {
	return slices.ContainsFunc(builtins(), func(b plugin.Builtin) bool { return b.Kind == kind && b.Name == name })
}

// logger logs to standard error.
func (a *app) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(a.logLevel)); err != nil {
		return nil, usagef("--log-level %q: use debug, info, warn or error", a.logLevel)
	}
	o := &slog.HandlerOptions{Level: level}
	switch a.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(a.stderr, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.stderr, o)), nil
	}
	return nil, usagef("--log-format %q: use text or json", a.logFormat)
}

// pluginOptions says which providers there are. A lock file that cannot be used is no error yet: it keeps third-party
// providers from being started, and nothing else.
func (a *app) pluginOptions() (plugin.Options, error) {
	log, err := a.logger()
	if err != nil {
		return plugin.Options{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return plugin.Options{}, fmt.Errorf("find the drydock executable: %w", err)
	}
	o := plugin.Options{Self: self, Builtins: builtins(), Log: log, Requirements: a.plugins.required}
	if a.plugins.dir != "" {
		if o.PluginDir, err = filepath.Abs(a.plugins.dir); err != nil {
			return plugin.Options{}, &usageError{err}
		}
	}
	if o.LockFile, err = a.lockFile(); err != nil {
		return plugin.Options{}, &usageError{err}
	}
	o.Pins, o.LockErr = readLock(o.LockFile)
	return o, nil
}

// lockFile is where the lock file is: what --lock says, else beside the agent file, else in the plugin directory.
func (a *app) lockFile() (string, error) {
	switch {
	case a.plugins.lock != "":
		return filepath.Abs(a.plugins.lock)
	case a.config != "":
		return filepath.Abs(filepath.Join(filepath.Dir(a.config), hcl.LockFileName))
	case a.plugins.dir != "":
		return filepath.Abs(filepath.Join(a.plugins.dir, hcl.LockFileName))
	}
	return "", nil
}
