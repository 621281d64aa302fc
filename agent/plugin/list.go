package plugin

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/drydock-backup/drydock/sdk/host"
)

// Listing is one provider that configurations can name, or would name if there was nothing wrong with it.
type Listing struct {
	Kind, Name string
	Version    string // of a third-party provider: as it was pinned; empty: not pinned
	Doc        string // of a built-in provider
	Path       string // of a third-party provider; empty: built in, or there is no plugin directory
	Builtin    bool
	Pin        *Pin  // nil: not pinned
	Err        error // why it is refused; nil when it is fit to run
}

// List returns the built-in providers and the third-party ones that are pinned or that the agent file names, by kind and
// name. It reads executables to digest them, and runs none.
func List(o Options) []Listing {
	var list []Listing
	for _, b := range o.Builtins {
		list = append(list, Listing{Kind: b.Kind, Name: b.Name, Version: b.Version, Doc: b.Doc, Builtin: true,
			Err: o.shadowed(b.Kind, b.Name)})
	}
	for _, p := range o.Pins {
		list = append(list, o.thirdParty(p.Kind, p.Name))
	}
	for _, r := range o.Requirements {
		if findPin(o.Pins, r.Kind, r.Name) == nil {
			list = append(list, o.thirdParty(r.Kind, r.Name))
		}
	}
	slices.SortStableFunc(list, func(a, b Listing) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds(), a.Kind), slices.Index(kinds(), b.Kind)), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func (o *Options) thirdParty(kind, name string) Listing {
	l := Listing{Kind: kind, Name: name, Pin: findPin(o.Pins, kind, name)}
	if o.PluginDir != "" {
		l.Path = filepath.Join(o.PluginDir, FileName(kind, name))
	}
	if l.Pin != nil {
		l.Version = l.Pin.Version
	}
	if find(o.Builtins, kind, name) != nil {
		l.Err = refused(kind, name, &reason{"it is pinned, but it is built in", "remove it from the lock file: drydock plugin lock"})
		return l
	}
	s, err := o.find(kind, name)
	if err == nil {
		err = s.verify()
	}
	l.Err = err
	return l
}

// verify digests a third-party provider without running it.
func (s *source) verify() error {
	sum, err := digest(s.path)
	if err != nil {
		return refused(s.kind, s.name, err)
	}
	if !slices.Equal(sum[:], s.sha256) {
		return changed(s.kind, s.name, &host.DigestError{Path: s.path, Have: sum[:], Want: s.sha256})
	}
	return nil
}
