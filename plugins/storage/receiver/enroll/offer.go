package enroll

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
)

const (
	path     = "/v1/enroll"
	maxBody  = 16 << 10
	maxWrong = 5                // wrong tokens that an offer stands
	busy     = 16               // connections at the same time; more wait
	patience = 20 * time.Second // for one exchange
)

// Why an offer ends without a certificate.
var (
	ErrExpired = errors.New("nobody has come in time")
	ErrWrong   = errors.New("too many wrong tokens")
)

// Request asks for a certificate.
type Request struct {
	Secret []byte `json:"secret"` // of the token
	CSR    []byte `json:"csr"`    // PKCS #10 in DER; its subject is not looked at
}

// Answer is the certificate.
type Answer struct {
	Certificate []byte `json:"certificate"` // DER
}

// Offer is one certificate that somebody may come for. It is used once.
type Offer struct {
	authority *pki.Authority
	name      string
	life      time.Duration
	verifier  verifier
	server    tls.Certificate

	mu    sync.Mutex // one request at a time
	wrong int
	done  chan error // of size 1: how the offer has ended
	ended bool
}

// New makes an offer of a certificate for a client, good for life, and the token for it.
func New(a *pki.Authority, name string, life time.Duration) (*Offer, Token, error) {
	if err := pki.CheckName(name); err != nil {
		return nil, Token{}, err
	}
	server, err := a.ServerPair()
	if err != nil {
		return nil, Token{}, err
	}
	token := newToken(a.Certificate().Raw)
	return &Offer{
		authority: a, name: name, life: life, verifier: token.verifier(), server: server, done: make(chan error, 1),
	}, token, nil
}

// Serve waits until somebody has got the certificate, and closes l. It fails with ErrExpired when nobody has for as long as
// within, and with ErrWrong when too many came with a wrong token.
func (o *Offer) Serve(ctx context.Context, l net.Listener, within time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, within, ErrExpired)
	defer cancel()
	h := &http.Server{
		Handler: o, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: time.Second, MaxHeaderBytes: 4 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // what strangers do is no news
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{o.server}, NextProtos: []string{"http/1.1"},
		},
	}
	served := make(chan error, 1)
	go func() { served <- h.ServeTLS(netutil.LimitListener(l, busy), "", "") }() // ends with Shutdown, and is waited for
	var err error
	select {
	case err = <-o.done:
	case err = <-served:
		return fmt.Errorf("offer a certificate to %s: %w", o.name, err)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	o.end()
	ending, stop := context.WithTimeout(context.WithoutCancel(ctx), patience) // for the answer that is on its way
	defer stop()
	_ = h.Shutdown(ending)
	_ = h.Close()
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	if err != nil {
		return fmt.Errorf("offer a certificate to %s: %w", o.name, err)
	}
	return nil
}

// end makes sure that nothing is given out any more.
func (o *Offer) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
}

// ServeHTTP answers one request.
func (o *Offer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != path || r.Method != http.MethodPost {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var request Request
	if err == nil {
		err = json.Unmarshal(text, &request)
	}
	if err != nil {
		http.Error(w, "not a request", http.StatusBadRequest)
		return
	}
	answer, status := o.take(request)
	if status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // who is gone needs another offer
}

// take gives the certificate to the first who has the token. A mistake in what he asks for leaves the offer open.
func (o *Offer) take(r Request) (Answer, int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return Answer{}, http.StatusGone
	}
	if !o.verifier.accepts(r.Secret) {
		if o.wrong++; o.wrong >= maxWrong {
			o.ended = true
			o.done <- ErrWrong
		}
		return Answer{}, http.StatusForbidden
	}
	csr, err := x509.ParseCertificateRequest(r.CSR)
	if err != nil {
		return Answer{}, http.StatusBadRequest
	}
	cert, err := o.authority.Sign(o.name, csr, o.life)
	if errors.Is(err, pki.ErrRequest) {
		return Answer{}, http.StatusBadRequest
	}
	o.ended = true
	o.done <- err
	if err != nil {
		return Answer{}, http.StatusInternalServerError
	}
	return Answer{Certificate: cert.Raw}, http.StatusOK
}
