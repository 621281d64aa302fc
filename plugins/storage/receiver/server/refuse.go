package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
)

// reason is why a connection was refused: a label of a metric, documented in docs/admin/receiver.md.
type reason string

const (
	reasonConnections       reason = "too-many-connections"
	reasonClientConnections reason = "too-many-connections-of-client"
	reasonNotTLS            reason = "not-tls"
	reasonSlow              reason = "slow-handshake"
	reasonExpired           reason = "expired-certificate"
	reasonForeign           reason = "foreign-certificate"
	reasonBadCertificate    reason = "bad-certificate"
	reasonRevoked           reason = "revoked-certificate"
	reasonName              reason = "bad-client-name"
	reasonMalformed         reason = "malformed-request"
	reasonHandshake         reason = "handshake"
)

// refusal is an error with a reason.
type refusal struct {
	reason reason
	text   string
}

func (r refusal) Error() string { return r.text }

// reasonOf finds out why a handshake has failed.
func reasonOf(err error) reason {
	var own refusal
	var record tls.RecordHeaderError
	var invalid x509.CertificateInvalidError
	var foreign x509.UnknownAuthorityError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &own):
		return own.reason
	case errors.As(err, &record):
		return reasonNotTLS
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return reasonExpired
	case errors.As(err, &foreign):
		return reasonForeign
	case errors.As(err, &verification):
		return reasonBadCertificate
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return reasonSlow
	}
	return reasonHandshake
}

// tlsConfig is for one connection: certificates and revocations as they are now.
func (s *Server) tlsConfig(c *conn) *tls.Config {
	trust := s.trust.Load()
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{trust.Cert},
		ClientAuth:             tls.RequireAndVerifyClientCert,
		ClientCAs:              trust.Clients,
		NextProtos:             []string{"http/1.1"},
		SessionTicketsDisabled: true, // each handshake looks at the revocations
		VerifyConnection:       func(state tls.ConnectionState) error { return s.verify(c, trust, state) },
	}
}

// verify decides on a certificate that the authority has signed.
func (s *Server) verify(c *conn, trust *pki.Trust, state tls.ConnectionState) error {
	cert := state.PeerCertificates[0]
	name := cert.Subject.CommonName
	if err := pki.CheckName(name); err != nil {
		return refusal{reasonName, err.Error()}
	}
	if trust.IsRevoked(cert) {
		return refusal{reasonRevoked, "the certificate of " + name + " was revoked"}
	}
	policy, err := s.config.Load().Policy(name)
	if err != nil {
		return refusal{reasonName, err.Error()}
	}
	if err := c.gate.join(c, name, policy.Connections); err != nil {
		return err
	}
	c.cert.Store(cert)
	return nil
}

// revoked reports whether a connection's certificate is revoked by now.
func (s *Server) revoked(c *conn) bool {
	cert := c.cert.Load()
	return cert != nil && s.trust.Load().IsRevoked(cert)
}

var _ net.Listener = (*gate)(nil)
