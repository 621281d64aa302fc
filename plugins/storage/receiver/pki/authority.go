package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The files of an authority.
const (
	CAFile        = "ca.pem"
	caKeyFile     = "ca-key.pem"
	ServerFile    = "server.pem"
	ServerKeyFile = "server-key.pem"
	RevokedFile   = "revoked.crl"
	issuedDir     = "issued"
)

// How long certificates are good for.
const (
	caLife     = 20 * 365 * 24 * time.Hour
	ServerLife = 5 * 365 * 24 * time.Hour
	skew       = time.Hour // clocks differ
)

// Authority signs certificates. It is not safe for concurrent use.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
	now  func() time.Time
}

// Create makes a new authority in a directory, which is created. One that is there already is fs.ErrExist.
func Create(dir string, now func() time.Time) (*Authority, error) {
	if err := os.MkdirAll(filepath.Join(dir, issuedDir), 0o700); err != nil {
		return nil, fmt.Errorf("create authority: %w", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, CAFile)); err == nil {
		return nil, fmt.Errorf("create authority: %s: %w", filepath.Join(dir, CAFile), fs.ErrExist)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("create authority: %w", err)
	}
	serial := newSerial()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: fmt.Sprintf("drydock receiver CA %x", serial.Bytes()[:4])},
		NotBefore: now().Add(-skew), NotAfter: now().Add(caLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	cert, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("create authority: %w", err)
	}
	a := &Authority{dir: dir, cert: cert, key: key, now: now}
	if err := errors.Join(writeKey(filepath.Join(dir, caKeyFile), key), a.writeRevoked(nil)); err != nil {
		return nil, fmt.Errorf("create authority: %w", err)
	}
	return a, writeCert(filepath.Join(dir, CAFile), cert) // last: from here on the authority exists
}

// Open reads the authority of a directory. One that is not there is fs.ErrNotExist.
func Open(dir string, now func() time.Time) (*Authority, error) {
	certs, err := readCerts(filepath.Join(dir, CAFile))
	if err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	key, err := readKey(filepath.Join(dir, caKeyFile))
	if err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	if public, ok := certs[0].PublicKey.(*ecdsa.PublicKey); !ok || !public.Equal(key.Public()) {
		return nil, fmt.Errorf("open authority: %s does not belong to %s", caKeyFile, CAFile)
	}
	return &Authority{dir: dir, cert: certs[0], key: key, now: now}, nil
}

// Server writes a new certificate for the server, which is reached by the given host names and IP addresses.
func (a *Authority) Server(hosts []string, life time.Duration) error {
	template := a.template("drydock receiver", life)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	cert, key, err := a.issue(template)
	if err != nil {
		return fmt.Errorf("issue the server's certificate: %w", err)
	}
	// A server that reads between the two finds that they do not belong together, and keeps what it has.
	err = errors.Join(writeKey(filepath.Join(a.dir, ServerKeyFile), key), writeCert(filepath.Join(a.dir, ServerFile), cert))
	if err != nil {
		return fmt.Errorf("issue the server's certificate: %w", err)
	}
	return nil
}

func (a *Authority) template(name string, life time.Duration) *x509.Certificate {
	end := a.now().Add(life)
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	return &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: name},
		NotBefore: a.now().Add(-skew), NotAfter: end, KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
}

// issue signs a template for a new key.
func (a *Authority) issue(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	cert, err := sign(template, a.cert, key.Public(), a.key)
	return cert, key, err
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// newSerial returns a positive number of 127 random bits.
func newSerial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}
