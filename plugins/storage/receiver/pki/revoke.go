package pki

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
)

const pemRevoked = "X509 CRL"

// ErrNothingToRevoke says that a client has no certificate that is not revoked already.
var ErrNothingToRevoke = errors.New("no certificate to revoke")

// Revoke revokes every certificate that a client was given, and returns how many that were. The server must be told, or
// notices by itself after a while.
func (a *Authority) Revoke(name string) (int, error) {
	issued, err := a.Issued(name)
	if err != nil {
		return 0, err
	}
	list, err := readRevoked(filepath.Join(a.dir, RevokedFile), a.cert)
	if err != nil {
		return 0, fmt.Errorf("revoke %s: %w", name, err)
	}
	entries := list.RevokedCertificateEntries
	before := len(entries)
	known := serials(list)
	for _, cert := range issued {
		if !known[cert.SerialNumber.String()] {
			entries = append(entries, x509.RevocationListEntry{SerialNumber: cert.SerialNumber, RevocationTime: a.now()})
		}
	}
	if len(entries) == before {
		return 0, fmt.Errorf("revoke %s: %w", name, ErrNothingToRevoke)
	}
	if err := a.writeRevoked(entries); err != nil {
		return 0, fmt.Errorf("revoke %s: %w", name, err)
	}
	return len(entries) - before, nil
}

// writeRevoked signs and writes the revocation list. It does not expire: a list that nobody renewed in time would lock
// every client out.
func (a *Authority) writeRevoked(entries []x509.RevocationListEntry) error {
	template := &x509.RevocationList{
		Number: big.NewInt(a.now().UnixNano()), ThisUpdate: a.now().Add(-skew), NextUpdate: a.cert.NotAfter,
		RevokedCertificateEntries: entries,
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, a.cert, a.key)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(a.dir, RevokedFile), 0o644, pem.EncodeToMemory(&pem.Block{Type: pemRevoked, Bytes: der}))
}

// readRevoked reads a revocation list and checks that the authority has signed it.
func readRevoked(name string, ca *x509.Certificate) (*x509.RevocationList, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	list, err := ParseRevoked(text)
	if err == nil {
		err = list.CheckSignatureFrom(ca)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return list, nil
}

// ParseRevoked reads a revocation list in PEM.
func ParseRevoked(text []byte) (*x509.RevocationList, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemRevoked {
		return nil, errors.New("no revocation list in PEM")
	}
	return x509.ParseRevocationList(block.Bytes)
}

// serials returns the revoked serial numbers in decimal.
func serials(list *x509.RevocationList) map[string]bool {
	all := make(map[string]bool, len(list.RevokedCertificateEntries))
	for _, e := range list.RevokedCertificateEntries {
		all[e.SerialNumber.String()] = true
	}
	return all
}
