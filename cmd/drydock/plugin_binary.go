package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/drydock-backup/drydock/agent/plugin"
	"github.com/drydock-backup/drydock/sdk/conformance"
)

// providerBinary finds the provider that a command line names: by BINARY, or by KIND and NAME of one that is built in.
func providerBinary(kind, name string, args []string) (conformance.Binary, error) {
	if len(args) == 2 {
		return builtinBinary(args[0], args[1])
	}
	path, err := filepath.Abs(args[0])
	if err != nil {
		return conformance.Binary{}, &usageError{err}
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return conformance.Binary{}, &usageError{err}
	case info.IsDir():
		return conformance.Binary{}, usagef("%s is a directory, not a provider", path)
	}
	parts := regexp.MustCompile(`^drydock-(storage|compress|notify)-(.+)$`).FindStringSubmatch(
		strings.TrimSuffix(filepath.Base(path), ".exe"))
	if parts != nil {
		kind, name = orElse(kind, parts[1]), orElse(name, parts[2])
	}
	if kind == "" || name == "" {
		return conformance.Binary{}, usagef("%s is not named drydock-KIND-NAME: say --kind and --name", filepath.Base(path))
	}
	if !slices.Contains(kinds(), kind) {
		return conformance.Binary{}, usagef("kind %q: use %s", kind, strings.Join(kinds(), ", "))
	}
	return conformance.Binary{Kind: kind, Name: name, Path: path, Env: providerEnvironment(nil)}, nil
}

func kinds() []string { return []string{"storage", "compress", "notify"} }

func orElse(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}

// builtinBinary is this program as one of its own providers.
func builtinBinary(kind, name string) (conformance.Binary, error) {
	p, err := findBuiltin(kind, name)
	if err != nil {
		return conformance.Binary{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return conformance.Binary{}, err
	}
	return conformance.Binary{
		Kind: kind, Name: name, Path: self, Args: []string{"plugin", "serve", kind, name}, Env: providerEnvironment(p.Environment),
	}, nil
}

// findBuiltin returns a provider that is linked in, or says which ones are.
func findBuiltin(kind, name string) (provider, error) {
	var known []string
	for _, p := range providers() {
		if p.Kind == kind && p.Name == name {
			return p, nil
		}
		known = append(known, p.Kind+" "+p.Name)
	}
	return provider{}, usagef("no %s provider %q is built in; there are: %s", kind, name, strings.Join(known, ", "))
}

// providerEnvironment is what the agent would give a provider. GORACE is for authors who test a binary that was built with
// the race detector.
func providerEnvironment(more []string) []string {
	return plugin.Environment(os.Environ(), append([]string{"GORACE"}, more...))
}
