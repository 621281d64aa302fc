package enroll

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
)

// Why a token cannot be redeemed.
var (
	ErrAuthority = errors.New("the other side does not belong to the authority that the token names")
	ErrRefused   = errors.New("the token is wrong, or the offer has ended")
)

// Redeem makes a key, has it certified by the offer at an address (HOST:PORT), and writes a bundle to a directory that must
// not exist. It returns the name that the agent has from now on. Nothing is left of the directory when that fails.
func Redeem(ctx context.Context, address string, token Token, dir string) (name string, err error) {
	request, err := pki.NewRequest()
	if err != nil {
		return "", err
	}
	// First, so that a place that cannot be written to does not cost the token.
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("enroll: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("enroll at %s: %w", address, err), os.RemoveAll(dir))
		}
	}()
	if err := request.WriteKey(dir); err != nil {
		return "", err
	}
	ca, cert, err := exchange(ctx, address, token, request.CSR)
	if err != nil {
		return "", err
	}
	if err := request.WriteCerts(dir, ca, cert); err != nil {
		return "", err
	}
	return cert.Subject.CommonName, nil
}

// exchange sends the request, and returns the authority's certificate and the new one.
func exchange(ctx context.Context, address string, token Token, csr []byte) (ca, cert *x509.Certificate, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, err := json.Marshal(Request{Secret: token.secret[:], CSR: csr})
	if err != nil {
		return nil, nil, err
	}
	transport := &http.Transport{
		TLSHandshakeTimeout: patience, DisableKeepAlives: true, DisableCompression: true,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"},
			InsecureSkipVerify: true, // VerifyConnection does it, by the digest that the token has brought
			VerifyConnection: func(state tls.ConnectionState) (err error) {
				ca, err = vouched(state.PeerCertificates, token.Authority)
				return err
			},
		},
	}
	defer transport.CloseIdleConnections()
	u := url.URL{Scheme: "https", Host: address, Path: path}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	cert, err = understand(answer)
	return ca, cert, err
}

// vouched finds the authority that a token names, and checks that it vouches for the server. The server's name does not
// matter: the authority vouches for one receiver only.
func vouched(chain []*x509.Certificate, authority [32]byte) (*x509.Certificate, error) {
	for _, ca := range chain[1:] {
		if sha256.Sum256(ca.Raw) != authority {
			continue
		}
		roots := x509.NewCertPool()
		roots.AddCert(ca)
		_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAuthority, err)
		}
		return ca, nil
	}
	return nil, ErrAuthority
}

func understand(answer *http.Response) (*x509.Certificate, error) {
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusForbidden, http.StatusGone:
		return nil, ErrRefused
	default:
		return nil, fmt.Errorf("the receiver answered %s", answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return nil, err
	}
	var a Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("understand the answer: %w", err)
	}
	return x509.ParseCertificate(a.Certificate)
}
