package plugin

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"

	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// source is where a provider comes from: how its process is started.
type source struct {
	kind, name string
	path       string
	args       []string

	environment []string // variables that it gets besides the usual ones

	schema  *schema.Schema // of a built-in provider; a third-party one is asked
	sha256  []byte         // of a third-party provider; nil for a built-in one
	version string         // pinned; empty: not known yet
}

// FileName is the name of a third-party provider's executable in the plugin directory.
func FileName(kind, name string) string {
	file := "drydock-" + kind + "-" + name
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	return file
}

func kinds() []string { return []string{storage.Kind, compress.Kind, notify.Kind} }

// validName keeps names out that would lead out of the plugin directory.
func validName(name string) bool {
	return regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`).MatchString(name)
}

// find says how a provider is started: from the built-in ones or, if it is pinned and nobody else can have changed it, from
// the plugin directory. It starts nothing. The error is an *UnknownProviderError or a *RefusedError.
func (o *Options) find(kind, name string) (*source, error) {
	if b := find(o.Builtins, kind, name); b != nil {
		if err := o.shadowed(kind, name); err != nil {
			return nil, err
		}
		return &source{kind: kind, name: name, path: o.Self, args: []string{"plugin", "serve", kind, name},
			environment: b.Environment, schema: b.Schema}, nil
	}
	pin := findPin(o.Pins, kind, name)
	if !slices.Contains(kinds(), kind) || !validName(name) || (pin == nil && !o.wanted(kind, name) && !o.present(kind, name)) {
		return nil, o.unknown(kind, name)
	}
	path, err := o.installed(kind, name)
	if err == nil {
		err = o.LockErr
	}
	if err != nil {
		return nil, refused(kind, name, err)
	}
	if pin == nil {
		return nil, refused(kind, name, &reason{
			fmt.Sprintf("%s is not pinned: %s has no entry for it", path, cmp.Or(o.LockFile, "the lock file")),
			fmt.Sprintf("if you trust it, pin it: drydock plugin lock %s %s", kind, name),
		})
	}
	if err := o.allowed(kind, name, pin.Version); err != nil {
		return nil, refused(kind, name, err)
	}
	return &source{kind: kind, name: name, path: path, sha256: pin.SHA256[:], version: pin.Version}, nil
}

// shadowed refuses a built-in provider whose name a file in the plugin directory has too: nobody could tell which of the
// two was meant.
func (o *Options) shadowed(kind, name string) error {
	if !o.present(kind, name) {
		return nil
	}
	return refused(kind, name, &reason{
		fmt.Sprintf("it is built in, but %s has its name", filepath.Join(o.PluginDir, FileName(kind, name))),
		"built-in providers cannot be replaced: remove that file, or build it under another name",
	})
}

// present reports whether the plugin directory has a file for a provider.
func (o *Options) present(kind, name string) bool {
	if o.PluginDir == "" || !validName(name) {
		return false
	}
	_, err := os.Lstat(filepath.Join(o.PluginDir, FileName(kind, name)))
	return err == nil
}

// installed returns the real path of a third-party provider that only root and our own user can have put there.
func (o *Options) installed(kind, name string) (string, error) {
	if o.PluginDir == "" {
		return "", &reason{"no plugin directory is set", "set plugin_dir in the agent file, or give --plugin-dir"}
	}
	path := filepath.Join(o.PluginDir, FileName(kind, name))
	switch _, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return "", &reason{"there is no " + path, "install it there, or correct the plugin directory"}
	case err != nil:
		return "", err
	}
	return trustedExecutable(o.PluginDir, path)
}

// wanted reports whether the agent file names a provider.
func (o *Options) wanted(kind, name string) bool {
	return slices.ContainsFunc(o.Requirements, func(r Requirement) bool { return r.Kind == kind && r.Name == name })
}

// unknown lists the providers that there are: the built-in and the pinned ones.
func (o *Options) unknown(kind, name string) error {
	unknown := &UnknownProviderError{Kind: kind, Name: name}
	for _, b := range o.Builtins {
		if b.Kind == kind {
			unknown.Known = append(unknown.Known, b.Name)
		}
	}
	for _, p := range o.Pins {
		if p.Kind == kind {
			unknown.Known = append(unknown.Known, p.Name)
		}
	}
	slices.Sort(unknown.Known)
	unknown.Known = slices.Compact(unknown.Known)
	return unknown
}

func find(list []Builtin, kind, name string) *Builtin {
	for i := range list {
		if list[i].Kind == kind && list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

func findPin(list []Pin, kind, name string) *Pin {
	for i := range list {
		if list[i].Kind == kind && list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}
