package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The files of a client's bundle.
const (
	BundleCA   = "ca.pem"
	BundleCert = "agent.pem"
	BundleKey  = "agent-key.pem"
)

// Enroll issues a certificate for a client and writes a bundle to a directory that must not exist: the authority's
// certificate, the client's, and its key. A client may be enrolled again; its earlier certificates stay good until they
// expire or are revoked.
func (a *Authority) Enroll(name, bundle string, life time.Duration) (*x509.Certificate, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	cert, key, err := a.issue(a.clientTemplate(name, life))
	if err != nil {
		return nil, fmt.Errorf("enroll %s: %w", name, err)
	}
	if err := os.Mkdir(bundle, 0o700); err != nil {
		return nil, fmt.Errorf("enroll %s: %w", name, err)
	}
	if err = a.record(name, cert); err == nil {
		err = errors.Join(writeCert(filepath.Join(bundle, BundleCA), a.cert),
			writeCert(filepath.Join(bundle, BundleCert), cert), writeKey(filepath.Join(bundle, BundleKey), key))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("enroll %s: %w", name, err), os.RemoveAll(bundle))
	}
	return cert, nil
}

func (a *Authority) clientTemplate(name string, life time.Duration) *x509.Certificate {
	template := a.template(name, life)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return template
}

// record keeps a client's certificate before anybody gets it: one that nobody knows of cannot be revoked by its name.
func (a *Authority) record(name string, cert *x509.Certificate) error {
	return writeCert(filepath.Join(a.dir, issuedDir, fmt.Sprintf("%s-%x.pem", name, cert.SerialNumber)), cert)
}

// Issued returns every certificate that a client was given.
func (a *Authority) Issued(name string) ([]*x509.Certificate, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(a.dir, issuedDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for certificates of %s: %w", name, err)
	}
	var found []*x509.Certificate
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), name+"-") {
			continue
		}
		certs, err := readCerts(filepath.Join(a.dir, issuedDir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("look for certificates of %s: %w", name, err)
		}
		if certs[0].Subject.CommonName == name { // "db-1" is not "db"
			found = append(found, certs[0])
		}
	}
	return found, nil
}
