package pki

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"
)

// Files names what a server proves itself and knows its clients by.
type Files struct {
	CA, Cert, Key string
	Revoked       string // revocation list; empty: there is none
}

// Trust is what the files said when they were read. It does not change.
type Trust struct {
	Cert    tls.Certificate
	Clients *x509.CertPool
	Expires time.Time // of the server's certificate
	revoked map[string]bool
	state   [4]fileState
}

// Load reads the files. All must be sound.
func Load(f Files) (*Trust, error) {
	t := &Trust{Clients: x509.NewCertPool(), state: f.states()} // looked at first: a change while reading is seen later
	cas, err := readCerts(f.CA)
	if err != nil {
		return nil, fmt.Errorf("load the authority: %w", err)
	}
	for _, c := range cas {
		t.Clients.AddCert(c)
	}
	t.Cert, err = tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("load the server's certificate: %w", err)
	}
	t.Expires = t.Cert.Leaf.NotAfter
	if f.Revoked == "" {
		return t, nil
	}
	list, err := readRevokedOf(f.Revoked, cas)
	if err != nil {
		return nil, fmt.Errorf("load the revocation list: %w", err)
	}
	t.revoked = serials(list)
	return t, nil
}

// readRevokedOf accepts a list of any of the authorities.
func readRevokedOf(name string, cas []*x509.Certificate) (*x509.RevocationList, error) {
	var failed error
	for _, ca := range cas {
		list, err := readRevoked(name, ca)
		if err == nil {
			return list, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

// IsRevoked reports whether a client's certificate was revoked.
func (t *Trust) IsRevoked(cert *x509.Certificate) bool { return t.revoked[cert.SerialNumber.String()] }

// Changed reports whether a file is another one than when t was read.
func (t *Trust) Changed(f Files) bool { return t.state != f.states() }

// fileState tells one version of a file from another; a file is replaced, never written in place.
type fileState struct {
	modified time.Time
	size     int64
}

func (f Files) states() [4]fileState {
	var all [4]fileState
	for i, name := range []string{f.CA, f.Cert, f.Key, f.Revoked} {
		if info, err := os.Stat(name); err == nil {
			all[i] = fileState{info.ModTime().UTC(), info.Size()}
		}
	}
	return all
}
