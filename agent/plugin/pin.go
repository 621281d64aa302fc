package plugin

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/hashicorp/go-version"

	"github.com/drydock-backup/drydock/sdk/host"
)

// maxVersion is the longest version of a provider in bytes.
const maxVersion = 200

// Pin is the one executable that may run under a third-party provider's name.
type Pin struct {
	Kind, Name string
	Version    string // what it calls itself
	Constraint string // what the version was held against when it was pinned; empty: nothing
	SHA256     [32]byte
}

// Requirement says which versions of a third-party provider the agent file allows.
type Requirement struct {
	Kind, Name string
	Constraint string // such as "~> 1.2"
}

// allowed holds a version against what the agent file says about the provider, if it says anything.
func (o *Options) allowed(kind, name, v string) error {
	for _, r := range o.Requirements {
		if r.Kind == kind && r.Name == name {
			return checkVersion(r, v)
		}
	}
	return nil
}

func checkVersion(r Requirement, v string) error {
	constraint, err := version.NewConstraint(r.Constraint)
	if err != nil {
		return &reason{fmt.Sprintf("the version constraint %q: %v", r.Constraint, err), "correct its plugin block in the agent file"}
	}
	parsed, err := version.NewVersion(v)
	if err != nil {
		return &reason{
			fmt.Sprintf("its version %q is no number that could be held against the constraint %q", v, r.Constraint),
			"remove its plugin block from the agent file, so that any version is allowed, or ask its author for numbered versions",
		}
	}
	if !constraint.Check(parsed) {
		return &reason{
			fmt.Sprintf("its version %s is outside of the constraint %q", v, r.Constraint),
			fmt.Sprintf("install a version that fits, or change the constraint in the agent file; then: drydock plugin lock %s %s",
				r.Kind, r.Name),
		}
	}
	return nil
}

// Pin starts the third-party provider of a name from the plugin directory, asks who it is, holds its version against the
// requirement, and returns what a lock file says about it. Nothing but the digested bytes is run, and it gets no
// configuration. The error is a *RefusedError or says why the provider does not start.
func (h *Host) Pin(ctx context.Context, kind, name string) (Pin, error) {
	o := &h.options
	if find(o.Builtins, kind, name) != nil {
		return Pin{}, refused(kind, name, &reason{"it is built in, so there is nothing to pin", "pin third-party ones only"})
	}
	if !validName(name) {
		return Pin{}, o.unknown(kind, name)
	}
	path, err := o.installed(kind, name)
	if err != nil {
		return Pin{}, refused(kind, name, err)
	}
	p := Pin{Kind: kind, Name: name}
	if p.SHA256, err = digest(path); err != nil {
		return Pin{}, refused(kind, name, err)
	}
	d, err := h.describe(ctx, &source{kind: kind, name: name, path: path, sha256: p.SHA256[:]})
	if err != nil {
		return Pin{}, err
	}
	p.Version = d.Version
	if p.Version == "" || len(p.Version) > maxVersion || strings.ContainsFunc(p.Version, unicode.IsControl) {
		return Pin{}, refused(kind, name, &reason{
			fmt.Sprintf("it calls its version %.40q", p.Version), "ask its author for one that works",
		})
	}
	for _, r := range o.Requirements {
		if r.Kind == kind && r.Name == name {
			p.Constraint = r.Constraint
		}
	}
	if err := o.allowed(kind, name, p.Version); err != nil {
		return Pin{}, refused(kind, name, err)
	}
	return p, nil
}

// describe starts a provider to ask who it is, and ends it.
func (h *Host) describe(ctx context.Context, s *source) (host.Description, error) {
	process, err := h.start(ctx, s, "")
	if err != nil {
		return host.Description{}, err
	}
	d := process.Description()
	return d, process.Stop(ctx)
}

func digest(path string) (sum [32]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer func() { _ = f.Close() }() // read only: nothing can be lost
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, fmt.Errorf("read %s: %w", path, err)
	}
	return [32]byte(h.Sum(nil)), nil
}
