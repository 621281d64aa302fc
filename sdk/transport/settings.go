package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/drydock-backup/drydock/sdk/schema"
)

// MinBandwidth is the least limit that can be set, in bytes per second. The agent gives every call a time that its bytes
// need at a quarter of this, and sends several chunks at once: a lower limit would only make calls fail.
const MinBandwidth = 1 << 20

// Settings are the attributes of a network storage's configuration that concern the way there. Embed it in the
// configuration struct.
type Settings struct {
	CAFile          string        `hcl:"ca_file,optional" example:"/etc/drydock/pki/ca.pem" doc:"PEM file of certificate authorities that are trusted besides the system's."`
	Proxy           schema.Secret `hcl:"proxy,optional" example:"http://proxy.internal:3128" doc:"Proxy for all requests: http, https or socks5, with user and password if it wants them. Without it, HTTPS_PROXY and NO_PROXY of the agent's environment count."`
	Bandwidth       schema.Size   `hcl:"bandwidth,optional" default:"0" example:"50MiB" doc:"Bytes per second that this target may use in each direction, at least 1MiB. 0 means no limit."`
	ConnectTimeout  time.Duration `hcl:"connect_timeout,optional" default:"10s" doc:"How long a connection may take to come about, and its TLS handshake as long again."`
	StallTimeout    time.Duration `hcl:"stall_timeout,optional" default:"1m" doc:"How long a transfer may stand still before it is given up and tried again."`
	ResponseTimeout time.Duration `hcl:"response_timeout,optional" default:"5m" doc:"How long the service may take to answer once it has the whole request."`
}

// Check reports mistakes, each at its attribute.
func (s Settings) Check() error {
	var found []error
	if b := s.Bandwidth; b != 0 && b < MinBandwidth {
		found = append(found, schema.Invalid("bandwidth", "limit is too low", "Use 1MiB or more per second, or 0 for no limit."))
	}
	if _, err := s.proxy(); err != nil {
		found = append(found, err)
	}
	for _, wait := range []struct {
		name string
		time.Duration
	}{{"connect_timeout", s.ConnectTimeout}, {"stall_timeout", s.StallTimeout}, {"response_timeout", s.ResponseTimeout}} {
		if wait.Duration < time.Second {
			found = append(found, schema.Invalid(wait.name, "too short", "Use a second or more."))
		}
	}
	if _, err := s.roots(); err != nil {
		found = append(found, err)
	}
	return errors.Join(found...)
}

// proxy returns the configured proxy, nil when there is none. Its errors do not quote the address, which may hold a password.
func (s Settings) proxy() (*url.URL, error) {
	if s.Proxy == "" {
		return nil, nil
	}
	u, err := url.Parse(s.Proxy.Reveal())
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		return nil, schema.Invalid("proxy", "not the address of a proxy", "Write scheme, host and port: http://proxy.internal:3128")
	}
	return u, nil
}

// roots returns the certificate authorities to trust, nil for just the system's.
func (s Settings) roots() (*x509.CertPool, error) {
	if s.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, schema.Invalid("ca_file", "cannot be read", err.Error())
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system without any
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, schema.Invalid("ca_file", fmt.Sprintf("%s holds no certificate", s.CAFile), "It must be a PEM file.")
	}
	return pool, nil
}

// tls returns the TLS configuration. Services that speak only TLS 1.2 are still around.
func (s Settings) tls() (*tls.Config, error) {
	roots, err := s.roots()
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(0)}, err
}
