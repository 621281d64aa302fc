package install

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
)

// unpack downloads packages of a suite with all that they depend on, and unpacks them below root. It uses a private
// apt (own lists, own cache, an empty package database), so nothing of the machine changes and no root is needed.
// Packages whose names match skip are left out; those in alone come without what they depend on.
func unpack(ctx context.Context, log io.Writer, root, suite string, packages, alone []string, skip *regexp.Regexp) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("fetch %s: the servers for tests come from Debian packages and need apt-get: %w", packages[0], err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(root), "apt-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	opts, err := privateApt(dir, suite)
	if err != nil {
		return err
	}
	apt := func(args ...string) (string, error) {
		return run(ctx, filepath.Join(dir, "debs"), nil, "apt-get", append(opts, args...)...)
	}
	say(log, "reading the package lists of Debian %s", suite)
	if _, err := apt("update"); err != nil {
		return err
	}
	plan, err := apt(append([]string{"-s", "--no-install-recommends", "install"}, packages...)...)
	if err != nil {
		return err
	}
	names := alone
	for line := range strings.SplitSeq(plan, "\n") {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Inst" && !skip.MatchString(f[1]) {
			names = append(names, f[1])
		}
	}
	say(log, "downloading %d packages", len(names))
	if _, err := apt(append([]string{"download"}, names...)...); err != nil {
		return err
	}
	return unpackAll(ctx, filepath.Join(dir, "debs"), root)
}

// unpackAll unpacks every package of a directory and drops what no server reads.
func unpackAll(ctx context.Context, debs, root string) error {
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		return err
	}
	for _, deb := range files {
		if _, err := run(ctx, "", nil, "dpkg-deb", "-x", deb, root); err != nil {
			return err
		}
	}
	for _, d := range []string{"doc", "man", "locale", "lintian"} {
		if err := os.RemoveAll(filepath.Join(root, "usr", "share", d)); err != nil {
			return err
		}
	}
	return nil
}

// privateApt lays a private apt out in dir and returns the options that select it.
func privateApt(dir, suite string) ([]string, error) {
	for _, d := range []string{"etc", "lists/partial", "cache/archives/partial", "debs"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	m := FindMirror("/etc/apt")
	source := fmt.Sprintf("Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n", m.URI, suite)
	if m.Keyring != "" {
		source += "Signed-By: " + m.Keyring + "\n"
	}
	for name, text := range map[string]string{"etc/debian.sources": source, "status": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	set := []string{
		"Dir::Etc::SourceList=/dev/null", "Dir::Etc::SourceParts=" + dir + "/etc",
		"Dir::State::Lists=" + dir + "/lists", "Dir::State::status=" + dir + "/status",
		"Dir::State::extended_states=" + dir + "/ext", "Dir::Cache=" + dir + "/cache",
		"APT::Sandbox::User=" + me.Username, "Debug::NoLocking=1", "Acquire::Retries=3",
		"Acquire::Languages=none", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
	}
	opts := []string{"-qq"}
	for _, s := range set {
		opts = append(opts, "-o", s)
	}
	return opts, nil
}

// say prints one line of progress.
func say(log io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(log, format+"\n", args...) // progress that nobody reads is no failure
}
