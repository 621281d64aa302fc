package pki

import "crypto/x509"

// ParseCerts reads certificates in PEM.
func ParseCerts(text []byte) ([]*x509.Certificate, error) { return parseCerts(text) }
