package testenv

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// WebProxy is a proxy as companies have it: clients tell it where they want to (CONNECT), with a user and a password, and it
// passes bytes on, whatever they mean.
type WebProxy struct {
	URL string // with user and password

	mu    sync.Mutex
	asked []string
}

// Asked returns the addresses that clients wanted to.
func (p *WebProxy) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.asked...)
}

// NewWebProxy starts a proxy that ends with the test. Every name it is asked for is this host.
func NewWebProxy(t testing.TB) *WebProxy {
	t.Helper()
	p := &WebProxy{}
	server := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(server.Close)
	p.URL = "http://user:word@" + server.Listener.Addr().String()
	return p
}

func (p *WebProxy) serve(w http.ResponseWriter, r *http.Request) {
	proof := http.Header{"Authorization": r.Header.Values("Proxy-Authorization")}
	user, word, _ := (&http.Request{Header: proof}).BasicAuth()
	_, port, err := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || err != nil || user != "user" || word != "word" {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, r.Host)
	p.mu.Unlock()
	there, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(r.Context(), "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	w.WriteHeader(http.StatusOK)
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	back := make(chan struct{})
	go func() { // ends when either side closes
		defer close(back)
		_, _ = io.Copy(here, there)
		_ = here.Close()
	}()
	_, _ = io.Copy(there, buffered)
	_ = there.Close()
	<-back
}
