package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent/plugin"
)

func (a *app) pluginLockCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lock [KIND NAME...]",
		Short: "pin third-party providers by version and SHA-256",
		Long: `lock pins third-party providers: it starts each once, asks for its version, holds that against the plugin block of
the agent file, and writes version and SHA-256 into the lock file. From then on that very executable is started under the
name, and no other. Without arguments it pins every provider that has a plugin block in the agent file, renews what is in
the lock file, and takes out what is not installed any more. If any of them cannot be pinned, nothing is written.`,
		Example: "  drydock plugin lock storage sftp",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return usagef("lock needs a KIND and at least one NAME, or nothing; see %s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.lockPlugins(cmd.Context(), args) },
	}
	a.jsonFlag(cmd, "print one JSON array: kind, name, change, version, sha256, constraint, path, previous_version, previous_sha256")
	return cmd
}

// lockChange is what happened to one entry of the lock file.
type lockChange struct {
	Kind            string `json:"kind"`
	Name            string `json:"name"`
	Change          string `json:"change"` // added, updated, unchanged or removed
	Version         string `json:"version"`
	SHA256          string `json:"sha256"`
	Constraint      string `json:"constraint"`
	Path            string `json:"path"`
	PreviousVersion string `json:"previous_version"`
	PreviousSHA256  string `json:"previous_sha256"`
}

func (a *app) lockPlugins(ctx context.Context, args []string) error {
	o, err := a.pluginOptions()
	if err != nil {
		return err
	}
	if err := a.lockUsable(o); err != nil {
		return err
	}
	if o.LockFile == "" {
		return usagef("no plugin directory: give --config with an agent file that sets plugin_dir, or --plugin-dir")
	}
	keep, pin := toPin(o, args)
	pins, err := pinAll(ctx, o, pin)
	if err != nil {
		return err
	}
	next := append(keep, pins...)
	changes := lockChanges(o, next)
	if changed := func(c lockChange) bool { return c.Change != "unchanged" }; slices.ContainsFunc(changes, changed) {
		if err := plugin.CheckTrusted(filepath.Dir(o.LockFile)); err != nil {
			return &usageError{err}
		}
		if err := writeLock(o.LockFile, next); err != nil {
			return err
		}
	}
	return a.printLock(o, changes)
}

// toPin says which entries of the lock file stay as they are, and which providers are pinned. What is in neither goes.
func toPin(o plugin.Options, args []string) (keep, pin []plugin.Pin) {
	if len(args) > 0 {
		for _, name := range args[1:] {
			pin = append(pin, plugin.Pin{Kind: args[0], Name: name})
		}
		for _, p := range o.Pins {
			if !hasPin(pin, p) {
				keep = append(keep, p)
			}
		}
		return keep, pin
	}
	for _, r := range o.Requirements {
		pin = append(pin, plugin.Pin{Kind: r.Kind, Name: r.Name})
	}
	for _, p := range o.Pins {
		if !hasPin(pin, p) && !isBuiltin(p.Kind, p.Name) && isInstalled(o, p.Kind, p.Name) {
			pin = append(pin, plugin.Pin{Kind: p.Kind, Name: p.Name})
		}
	}
	return nil, pin
}

func hasPin(list []plugin.Pin, p plugin.Pin) bool {
	return slices.ContainsFunc(list, func(q plugin.Pin) bool { return q.Kind == p.Kind && q.Name == p.Name })
}

func isInstalled(o plugin.Options, kind, name string) bool {
	_, err := os.Lstat(filepath.Join(o.PluginDir, plugin.FileName(kind, name)))
	return err == nil
}

// pinAll starts providers and asks who they are.
func pinAll(ctx context.Context, o plugin.Options, list []plugin.Pin) ([]plugin.Pin, error) {
	if len(list) == 0 {
		return nil, nil
	}
	host, err := plugin.NewHost(o)
	if err != nil {
		return nil, err
	}
	var pins []plugin.Pin
	var failed []error
	for _, p := range list {
		pinned, err := host.Pin(ctx, p.Kind, p.Name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		pins = append(pins, pinned)
	}
	failed = append(failed, host.Close(context.WithoutCancel(ctx)))
	return pins, errors.Join(failed...)
}

// lockChanges compares the lock file with what it will be.
func lockChanges(o plugin.Options, next []plugin.Pin) []lockChange {
	changes := []lockChange{}
	for _, p := range next {
		c := lockChange{Kind: p.Kind, Name: p.Name, Change: "added", Version: p.Version, SHA256: hexOf(p),
			Constraint: p.Constraint, Path: filepath.Join(o.PluginDir, plugin.FileName(p.Kind, p.Name))}
		for _, old := range o.Pins {
			if !hasPin([]plugin.Pin{old}, p) {
				continue
			}
			c.Change, c.PreviousVersion, c.PreviousSHA256 = "updated", old.Version, hexOf(old)
			if old == p {
				c.Change = "unchanged"
			}
		}
		changes = append(changes, c)
	}
	for _, old := range o.Pins {
		if !hasPin(next, old) {
			changes = append(changes, lockChange{Kind: old.Kind, Name: old.Name, Change: "removed",
				PreviousVersion: old.Version, PreviousSHA256: hexOf(old)})
		}
	}
	return changes
}

func hexOf(p plugin.Pin) string { return fmt.Sprintf("%x", p.SHA256) }

func (a *app) printLock(o plugin.Options, changes []lockChange) error {
	if a.json {
		return a.printJSON(changes)
	}
	if len(changes) == 0 {
		a.printf("nothing to pin: no plugin block in an agent file, and no provider was named\n")
		return nil
	}
	t := a.table("CHANGE", "KIND", "NAME", "VERSION", "SHA256")
	for _, c := range changes {
		version := c.Version
		switch {
		case c.Change == "removed":
			version, c.SHA256 = c.PreviousVersion, c.PreviousSHA256
		case c.PreviousVersion != "" && c.PreviousVersion != version:
			version = c.PreviousVersion + " -> " + version
		}
		t.row(c.Change, c.Kind, c.Name, printable(version), c.SHA256)
	}
	if err := t.flush(); err != nil {
		return err
	}
	a.printf("\nlock file: %s\n", o.LockFile)
	return nil
}
