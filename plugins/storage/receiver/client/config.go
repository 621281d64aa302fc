package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Config is the provider's configuration.
type Config struct {
	Address        string        `hcl:"address" example:"vault.internal:7441" doc:"Host and port of the receiver."`
	CAFile         string        `hcl:"ca_file" example:"/etc/drydock/pki/ca.pem" doc:"Certificate of the receiver's authority, from the bundle that \"drydock-receiver enroll\" has made."`
	CertFile       string        `hcl:"cert_file" example:"/etc/drydock/pki/agent.pem" doc:"This agent's certificate, from the same bundle. It is read anew for each connection, so it may be replaced at any time."`
	KeyFile        string        `hcl:"key_file" example:"/etc/drydock/pki/agent-key.pem" doc:"The key of the certificate."`
	ServerName     string        `hcl:"server_name,optional" example:"vault.internal" doc:"Name that the receiver's certificate must be for. Default: the host of address."`
	Connections    int           `hcl:"connections,optional" default:"4" doc:"Chunks that are sent at the same time, each on a connection of its own."`
	Rate           schema.Size   `hcl:"rate,optional" default:"0" example:"20MiB" doc:"Bytes per second, of all connections together, that are sent at most. 0 means no limit."`
	ConnectTimeout time.Duration `hcl:"connect_timeout,optional" default:"10s" doc:"How long a connection may take to be made."`
	StallTimeout   time.Duration `hcl:"stall_timeout,optional" default:"2m" doc:"How long nothing may move, in either direction, before a call gives up. The agent tries again."`
}

// Provider returns the storage "receiver".
func Provider() storage.Provider {
	return storage.NewProvider("receiver", "1.0.0",
		"Sends backups to a drydock-receiver, over TLS 1.3 with certificates on both sides. What was sent before an interruption is not sent again.",
		func(_ context.Context, cfg *Config) (storage.Storage, error) { return New(*cfg) })
}

const (
	maxConnections = 64
	minRate        = 16 << 10
)

// check returns every mistake that can be seen without a connection.
func (c Config) check() error {
	var all []error
	wrong := func(attribute, detail, format string, args ...any) {
		all = append(all, schema.Invalid(attribute, fmt.Sprintf(format, args...), detail))
	}
	host, port, err := net.SplitHostPort(c.Address)
	if n, e := strconv.ParseUint(port, 10, 16); err != nil || e != nil || n == 0 || host == "" {
		wrong("address", `Write "vault.internal:7441", or "[2001:db8::1]:7441" for an IPv6 address.`, "%q is not host and port", c.Address)
	}
	if c.Connections < 1 || c.Connections > maxConnections {
		wrong("connections", "", "%d is not 1 to %d", c.Connections, maxConnections)
	}
	if c.Rate != 0 && c.Rate < minRate {
		wrong("rate", `0 means no limit.`, "%s per second is less than %s", c.Rate, schema.Size(minRate))
	}
	if c.ConnectTimeout <= 0 {
		wrong("connect_timeout", "", "a timeout is more than nothing")
	}
	if c.StallTimeout < time.Second {
		wrong("stall_timeout", "", "a timeout is at least one second")
	}
	return errors.Join(append(all, c.checkFiles()...)...)
}

func (c Config) checkFiles() (all []error) {
	for _, f := range []struct{ attribute, path string }{{"ca_file", c.CAFile}, {"cert_file", c.CertFile}, {"key_file", c.KeyFile}} {
		if !filepath.IsAbs(f.path) {
			all = append(all, schema.Invalid(f.attribute, fmt.Sprintf("path %q is not absolute", f.path), "Write the whole path from the root."))
		}
	}
	if len(all) > 0 {
		return all
	}
	if _, err := readPool(c.CAFile); err != nil {
		all = append(all, schema.Invalid("ca_file", err.Error(), "It is in the bundle that \"drydock-receiver enroll\" has made."))
	}
	if _, err := os.Stat(c.KeyFile); err != nil {
		return append(all, schema.Invalid("key_file", err.Error(), ""))
	}
	if _, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile); err != nil {
		all = append(all, schema.Invalid("cert_file", err.Error(), "Certificate and key must belong together."))
	}
	return all
}

// serverName returns the name that the receiver's certificate must be for.
func (c Config) serverName() string {
	if c.ServerName != "" {
		return c.ServerName
	}
	host, _, _ := net.SplitHostPort(c.Address) // checked
	return host
}

func readPool(name string) (*x509.CertPool, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", name)
	}
	return pool, nil
}
