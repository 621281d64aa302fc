package testenv

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"
)

// Front is an HTTP server that passes requests on to a real one: the place from which a test sees what a client sends, and
// where a service can be made to refuse or to hang.
type Front struct {
	Addr string // host and port

	// Before is called first. It may answer by itself and return true; then the request is not passed on. Set before use.
	Before func(w http.ResponseWriter, r *http.Request) (answered bool)
	// After is called with the real server's answer, before the client gets it.
	After func(answer *http.Response)
	// Outlasts is how long a request that was passed on may go on when its client is gone; 0: it ends with its client.
	Outlasts time.Duration
}

// NewFront starts a front of the server at upstream ("127.0.0.1:9000"). It ends with the test. Host names stay as the client
// wrote them, since signatures count them in.
func NewFront(t testing.TB, upstream string) *Front {
	t.Helper()
	f := &Front{}
	base := &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true}
	proxy := &httputil.ReverseProxy{
		Transport: base,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: upstream})
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(answer *http.Response) error {
			if f.After != nil {
				f.After(answer)
			}
			return nil
		},
		ErrorLog: log.New(io.Discard, "", 0), // clients that are cut off are what it is for
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.Before != nil && f.Before(w, r) {
			return
		}
		if f.Outlasts > 0 {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), f.Outlasts)
			defer cancel()
			r = r.WithContext(ctx)
		}
		proxy.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	f.Addr = server.Listener.Addr().String()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		base.CloseIdleConnections()
	})
	return f
}
