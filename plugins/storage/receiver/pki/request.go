package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// ErrRequest says that a request for a certificate cannot be granted as it is.
var ErrRequest = errors.New("the request is not signed by an ECDSA P-256 key")

// Certificate is the authority's own.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// ServerPair reads the server's certificate and key, with the authority's certificate behind it.
func (a *Authority) ServerPair() (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(a.dir, ServerFile), filepath.Join(a.dir, ServerKeyFile))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("load the server's certificate: %w", err)
	}
	pair.Certificate = append(pair.Certificate, a.cert.Raw)
	return pair, nil
}

// Sign issues a certificate for a client whose key stays with it. Of the request only the key counts; the name is the
// administrator's word. A request that cannot be granted is ErrRequest.
func (a *Authority) Sign(name string, csr *x509.CertificateRequest, life time.Duration) (*x509.Certificate, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	public, ok := csr.PublicKey.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() || csr.CheckSignature() != nil {
		return nil, ErrRequest
	}
	cert, err := sign(a.clientTemplate(name, life), a.cert, public, a.key)
	if err == nil {
		err = a.record(name, cert)
	}
	if err != nil {
		return nil, fmt.Errorf("enroll %s: %w", name, err)
	}
	return cert, nil
}

// KeyRequest is a new key of a client, and the request to certify it.
type KeyRequest struct {
	CSR []byte // PKCS #10 in DER
	key *ecdsa.PrivateKey
}

// NewRequest makes a key and a request.
func NewRequest() (*KeyRequest, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	return &KeyRequest{CSR: csr, key: key}, nil
}

// WriteKey writes the key of a bundle.
func (r *KeyRequest) WriteKey(bundle string) error {
	return writeKey(filepath.Join(bundle, BundleKey), r.key)
}

// WriteCerts writes the rest of a bundle, when the certificate is for this key, for clients, and of that authority.
func (r *KeyRequest) WriteCerts(bundle string, ca, cert *x509.Certificate) error {
	public, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || !public.Equal(r.key.Public()) {
		return errors.New("the certificate is for another key")
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	_, err := cert.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return fmt.Errorf("the certificate is not good: %w", err)
	}
	if err := CheckName(cert.Subject.CommonName); err != nil {
		return fmt.Errorf("the certificate is not good: %w", err)
	}
	return errors.Join(writeCert(filepath.Join(bundle, BundleCA), ca), writeCert(filepath.Join(bundle, BundleCert), cert))
}
