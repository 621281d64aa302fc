package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// revision changes whenever the recipe does, so that a cache made by an older recipe is not taken for this one.
const revision = "r1"

// Prefix is one server product in the cache.
type Prefix struct {
	Product string // MySQL or MariaDB
	Dir     string // absolute
	Server  string // wrapper that starts the server
	Client  string // wrapper that starts the command-line client
	Share   string // messages and character sets (one directory per product)
	Plugins string // plugin directory
}

// Template is the initialised data directory.
func (p *Prefix) Template() string { return filepath.Join(p.Dir, "template") }

// Root is the directory with the unpacked packages.
func (p *Prefix) Root() string { return filepath.Join(p.Dir, "root") }

// Open returns an installed server, or an error that names the command which installs it.
func Open(product string) (*Prefix, error) {
	cache, err := Cache()
	if err != nil {
		return nil, err
	}
	p, err := prefixOf(cache, product)
	if err != nil {
		return nil, err
	}
	if !p.ready() {
		return nil, fmt.Errorf("%s for tests is not in %s; install it with: %s", product, p.Dir, Command(product))
	}
	return p, nil
}

// prefixOf names the places of a product below the cache.
func prefixOf(cache, product string) (*Prefix, error) {
	names := map[string][3]string{ // version, server, client
		MySQL:   {"9.7", "mysqld", "mysql"},
		MariaDB: {"10.11", "mariadbd", "mariadb"},
	}
	n, ok := names[product]
	if !ok {
		return nil, fmt.Errorf("open server %q: there are %s and %s", product, MySQL, MariaDB)
	}
	dir := filepath.Join(cache, strings.Join([]string{product, n[0], revision, runtime.GOARCH}, "-"))
	return &Prefix{
		Product: product, Dir: dir,
		Server:  filepath.Join(dir, "bin", n[1]),
		Client:  filepath.Join(dir, "bin", n[2]),
		Share:   filepath.Join(dir, "root", "usr", "share", "mysql"),
		Plugins: filepath.Join(dir, "root", "usr", "lib", "mysql", "plugin"),
	}, nil
}

func (p *Prefix) marker() string { return filepath.Join(p.Dir, "ready") }

func (p *Prefix) ready() bool {
	_, err := os.Stat(p.marker())
	return err == nil
}

// install fetches, unpacks and initialises. The marker is written last, so an interrupted installation starts afresh.
func (p *Prefix) install(ctx context.Context, log io.Writer) error {
	if p.ready() {
		return nil
	}
	if runtime.GOOS != "linux" {
		return fmt.Errorf("install %s: servers for tests run on linux only", p.Product)
	}
	if err := errors.Join(os.RemoveAll(p.Dir), os.MkdirAll(p.Root(), 0o755)); err != nil {
		return err
	}
	say(log, "%s: fetching it into %s", p.Product, p.Dir)
	err := p.fetch(ctx, log)
	if err != nil && ctx.Err() == nil { // a mirror that is being updated lists packages that are gone
		say(log, "%s: once more after: %v", p.Product, err)
		err = p.fetch(ctx, log)
	}
	if err != nil {
		return fmt.Errorf("fetch %s: %w", p.Product, err)
	}
	if err := p.wrap(); err != nil {
		return fmt.Errorf("wrap %s: %w", p.Product, err)
	}
	say(log, "%s: initialising a data directory", p.Product)
	if err := p.initialise(ctx); err != nil {
		return fmt.Errorf("initialise %s: %w", p.Product, err)
	}
	version, err := run(ctx, "", nil, p.Server, "--no-defaults", "--version")
	if err != nil {
		return err
	}
	say(log, "%s: ready: %s", p.Product, strings.TrimSpace(version))
	return os.WriteFile(p.marker(), []byte(version), 0o644)
}

func (p *Prefix) fetch(ctx context.Context, log io.Writer) error {
	// only helper scripts use perl
	perl := regexp.MustCompile(`^(perl|libperl|libgdbm|libdb5|gcc-)`)
	if p.Product == MySQL {
		return unpack(ctx, log, p.Root(), "sid", []string{"mysql-server-core", "mysql-client-core"}, nil, perl)
	}
	// mariadb-server itself has the plugins (file_key_management); it drags in init scripts that nobody needs
	core, alone := []string{"mariadb-server-core", "mariadb-client-core"}, []string{"mariadb-server"}
	return unpack(ctx, log, p.Root(), "bookworm", core, alone, perl)
}

// wrap writes a wrapper for each program. exec keeps the process id, so a wrapper's PID is the server's.
func (p *Prefix) wrap() error {
	if err := os.MkdirAll(filepath.Join(p.Dir, "bin"), 0o755); err != nil {
		return err
	}
	if err := p.allowKeyring(); err != nil {
		return err
	}
	for wrapper, dir := range map[string]string{p.Server: "sbin", p.Client: "bin"} {
		argv, err := p.Program(dir, filepath.Base(wrapper))
		if err != nil {
			return err
		}
		text := "#!/bin/sh\nexec"
		for _, a := range argv {
			text += fmt.Sprintf(" %q", a)
		}
		if err := os.WriteFile(wrapper, []byte(text+" \"$@\"\n"), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Program returns the argument vector that starts a program of the product, of directory usr/bin or usr/sbin.
func (p *Prefix) Program(dir, name string) ([]string, error) {
	libs, err := filepath.Glob(filepath.Join(p.Root(), "usr", "lib", "*-linux-gnu"))
	if err != nil || len(libs) != 1 {
		return nil, fmt.Errorf("library directory below %s: %d found", p.Root(), len(libs))
	}
	triplet := filepath.Base(libs[0])
	old := filepath.Join(p.Root(), "lib", triplet) // before Debian 13, libc lives in /lib
	var loader string
	for _, dir := range []string{libs[0], old} {
		if found, _ := filepath.Glob(filepath.Join(dir, "ld-linux*.so.*")); len(found) > 0 {
			loader = found[0]
		}
	}
	if loader == "" {
		return nil, fmt.Errorf("dynamic loader below %s: not found", p.Root())
	}
	program := filepath.Join(p.Root(), "usr", dir, name)
	return []string{loader, "--argv0", program, "--library-path", libs[0] + ":" + old, program}, nil
}

// allowKeyring lets a data directory of MySQL bring its own keyring: the prefix's manifest and configuration only point
// to the data directory's. A data directory without one has no keyring.
func (p *Prefix) allowKeyring() error {
	if p.Product != MySQL {
		return nil
	}
	return errors.Join(
		os.WriteFile(filepath.Join(p.Root(), "usr", "sbin", "mysqld.my"), []byte(`{"read_local_manifest": true}`), 0o444),
		os.WriteFile(filepath.Join(p.Plugins, "component_keyring_file.cnf"), []byte(`{"read_local_config": true}`), 0o444))
}
