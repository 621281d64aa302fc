package config

import (
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/server"
)

// File is a configuration that was found sound.
type File struct {
	Listen       []string // HOST:PORT each; empty: only the sockets that systemd hands over
	Root         string   // directory that holds everything, absolute
	Metrics      string   // HOST:PORT of metrics and health without a certificate; empty: none
	AccessLog    string   // path; empty: standard output
	LogLevel     string   // debug, info, warn or error
	DrainTimeout time.Duration
	TLS          pki.Files
	Server       server.Config
}

// maxFile is the largest configuration, in bytes.
const maxFile = 1 << 20

// Error is a configuration that was refused.
type Error struct {
	Diagnostics hcl.Diagnostics
	Sources     map[string]*hcl.File // for printing the lines that are meant
}

// Error returns the first mistake.
func (e *Error) Error() string { return e.Diagnostics.Error() }

// Load reads a configuration file. A file with mistakes is an *Error that holds all of them.
func Load(name string) (*File, error) {
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("%s has %d bytes, more than %d", name, info.Size(), maxFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return Parse(name, text)
}

// Parse is Load for a text; name is for messages.
func Parse(name string, text []byte) (*File, error) {
	parsed, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
	var f *File
	if !diags.HasErrors() {
		d := &decoder{}
		f = d.file(parsed.Body)
		diags = append(diags, d.diags...)
	}
	if diags.HasErrors() {
		return nil, &Error{Diagnostics: diags, Sources: map[string]*hcl.File{name: parsed}}
	}
	return f, nil
}

// file decodes the whole of a file.
func (d *decoder) file(body hcl.Body) *File {
	blocks := d.blocks(body)
	main, tls := blocks.one("receiver"), blocks.one("tls")
	f := &File{
		Listen:       main.addresses("listen"),
		Root:         main.path("root"),
		DrainTimeout: main.duration("drain_timeout", 5*time.Minute, time.Second, 24*time.Hour),
		Metrics:      blocks.one("metrics").address("listen"),
		AccessLog:    blocks.one("log").path("access"),
		LogLevel:     blocks.one("log").oneOf("level", "info", "debug", "info", "warn", "error"),
		TLS: pki.Files{
			CA: tls.path("ca_file"), Cert: tls.path("cert_file"), Key: tls.path("key_file"),
			Revoked: tls.path("revoked_file"),
		},
		Server: server.Config{
			PartialTTL:     main.duration("partial_ttl", 7*24*time.Hour, time.Minute, 10*365*24*time.Hour),
			StallTimeout:   main.duration("stall_timeout", time.Minute, time.Second, time.Hour),
			MaxChunk:       main.size("max_chunk", 1<<30, 1<<20),
			MaxConnections: main.number("max_connections", 1024, 100_000),
			MaxTransfers:   main.number("max_transfers", 32, 4096),
		},
	}
	f.Server.Policy = d.policies(main, blocks)
	return f
}
