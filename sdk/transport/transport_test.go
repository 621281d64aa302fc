package transport_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/transport"
)

func settings() transport.Settings {
	return transport.Settings{ConnectTimeout: 30 * time.Second, StallTimeout: time.Minute, ResponseTimeout: time.Minute}
}

func client(t *testing.T, s transport.Settings) *http.Client {
	t.Helper()
	rt, err := transport.New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.CloseIdleConnections)
	return &http.Client{Transport: rt}
}

func post(t *testing.T, c *http.Client, url string, body io.Reader) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(r)
}

// Bytes pass both ways unchanged, with and without a limit, and connections are used again.
func TestPasses(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	data := make([]byte, 1<<20+17)
	_, _ = rand.Read(data)
	limited := settings()
	limited.Bandwidth = 8 << 20
	for name, s := range map[string]transport.Settings{"no limit": settings(), "limit": limited} {
		t.Run(name, func(t *testing.T) {
			connections.Store(0)
			c := client(t, s)
			for range 3 {
				answer, err := post(t, c, server.URL, bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if err != nil || sha256.Sum256(got) != sha256.Sum256(data) {
					t.Fatalf("%d bytes came back, error %v", len(got), err)
				}
			}
			if n := connections.Load(); n != 1 {
				t.Errorf("%d connections for 3 requests, one after the other", n)
			}
		})
	}
}

// A limit holds: what has more bytes than a second may have takes more than that second.
func TestBandwidth(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer server.Close()
	s := settings()
	s.Bandwidth = transport.MinBandwidth
	begun := time.Now()
	answer, err := post(t, client(t, s), server.URL, bytes.NewReader(make([]byte, transport.MinBandwidth*3/2)))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if took := time.Since(begun); took < time.Second {
		t.Errorf("1.5 MiB at 1 MiB a second took %s", took)
	}
}

// R9.5: a service that stops to take, to answer or to give bytes does not hold a request for ever.
func TestStalls(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gives":
			_, _ = w.Write(make([]byte, 1000))
			w.(http.Flusher).Flush()
		case "/answers":
			_, _ = io.Copy(io.Discard, r.Body)
		}
		<-release
	}))
	defer server.Close()
	defer close(release)
	s := settings()
	s.StallTimeout, s.ResponseTimeout = time.Second, 2*time.Second
	for _, path := range []string{"/takes", "/answers", "/gives"} {
		t.Run(path[1:], func(t *testing.T) {
			answer, err := post(t, client(t, s), server.URL+path, bytes.NewReader(make([]byte, 64<<20)))
			if err == nil {
				_, err = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
			}
			if kind, ok := transport.Kind(t.Context(), err); !ok || kind != errs.Transient {
				t.Errorf("error %v of kind %q", err, kind)
			}
			if path != "/answers" && !errors.Is(err, transport.ErrStalled) {
				t.Errorf("error %v does not say that the transfer stands still", err)
			}
		})
	}
}

// A reader that is slow itself is no reason to give up.
func TestSlowReader(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 8<<20)) }))
	defer server.Close()
	s := settings()
	s.StallTimeout = time.Second
	answer, err := post(t, client(t, s), server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.CopyN(io.Discard, answer.Body, 1000); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	if n, err := io.Copy(io.Discard, answer.Body); err != nil || n != 8<<20-1000 {
		t.Errorf("%d bytes, error %v", n, err)
	}
}

// A caller who gives up is told apart from a transfer that stands still.
func TestCanceled(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client(t, settings()).Do(r) //nolint:bodyclose // there is none
	if kind, _ := transport.Kind(ctx, err); kind != errs.Canceled {
		t.Errorf("error %v of kind %q", err, kind)
	}
}

func TestCAFile(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of the handshake that is meant to fail
	server.StartTLS()
	defer server.Close()
	s := settings()
	_, err := post(t, client(t, s), server.URL, nil) //nolint:bodyclose // there is none
	if kind, _ := transport.Kind(t.Context(), err); kind != errs.Permanent {
		t.Errorf("a certificate that nobody knows: error %v of kind %q", err, kind)
	}
	s.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(s.CAFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	answer, err := post(t, client(t, s), server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
}

func TestProxy(t *testing.T) {
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.String() + " " + r.Header.Get("Proxy-Authorization"))
		w.WriteHeader(http.StatusTeapot)
	}))
	defer proxy.Close()
	s := settings()
	s.Proxy = schema.Secret(strings.Replace(proxy.URL, "http://", "http://user:word@", 1))
	answer, err := post(t, client(t, s), "http://store.invalid/bucket", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if got := asked.Load(); answer.StatusCode != http.StatusTeapot || got != "http://store.invalid/bucket Basic dXNlcjp3b3Jk" {
		t.Errorf("status %d, the proxy was asked for %v", answer.StatusCode, got)
	}
}

func TestBadSettings(t *testing.T) {
	noPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(noPEM, []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for attribute, changes := range map[string][]func(s *transport.Settings){
		"ca_file": {
			func(s *transport.Settings) { s.CAFile = "/no/such/file.pem" },
			func(s *transport.Settings) { s.CAFile = noPEM },
		},
		"proxy": {
			func(s *transport.Settings) { s.Proxy = "proxy:3128" },
			func(s *transport.Settings) { s.Proxy = "ftp://user:word@proxy" },
			func(s *transport.Settings) { s.Proxy = "http://user:word@ho st" },
		},
		"bandwidth": {
			func(s *transport.Settings) { s.Bandwidth = 1 },
			func(s *transport.Settings) { s.Bandwidth = -1 },
		},
		"connect_timeout":  {func(s *transport.Settings) { s.ConnectTimeout = 0 }},
		"stall_timeout":    {func(s *transport.Settings) { s.StallTimeout = time.Millisecond }},
		"response_timeout": {func(s *transport.Settings) { s.ResponseTimeout = -time.Hour }},
	} {
		for _, change := range changes {
			s := settings()
			change(&s)
			_, err := transport.New(s)
			diags, rest := schema.Diagnostics(err)
			if rest != nil || len(diags) != 1 || strings.Join(diags[0].Path, ".") != attribute {
				t.Errorf("%s: %v %v", attribute, diags, rest)
			}
			if err != nil && strings.Contains(err.Error(), "word") {
				t.Errorf("the error holds a password: %v", err)
			}
		}
	}
}

// Settings are made to be embedded: their attributes are those of the whole.
func TestEmbedded(t *testing.T) {
	type config struct {
		Bucket string `hcl:"bucket"`
		transport.Settings
	}
	s, err := schema.Of(config{})
	if err != nil {
		t.Fatal(err)
	}
	var got config
	if diags := s.Decode([]byte(`{"bucket": "b", "bandwidth": "2MiB", "proxy": "http://p"}`), &got); len(diags) > 0 {
		t.Fatal(diags)
	}
	want := config{"b", transport.Settings{Bandwidth: 2 << 20, Proxy: "http://p", ConnectTimeout: 10 * time.Second,
		StallTimeout: time.Minute, ResponseTimeout: 5 * time.Minute}}
	if got != want || !s.Attribute("proxy").Sensitive {
		t.Errorf("%+v", got)
	}
}
