package transport

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

const (
	connections = 64        // kept open for the next request
	bufferSize  = 256 << 10 // bytes that move at once
	smallest    = 16 << 10  // bytes that a limited transfer moves at once
)

// Transport is an http.RoundTripper that gives up transfers that stand still, and keeps to a bandwidth. It is safe for
// concurrent use.
type Transport struct {
	base  *http.Transport
	stall time.Duration
	up    *rate.Limiter // nil: no limit
	down  *rate.Limiter
}

// New makes a transport. Mistakes in s are errors that point at the attribute. Requests go over HTTP/1.1: one connection
// for each, which is faster for large bodies than streams that share one.
func New(s Settings) (*Transport, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	tlsConfig, err := s.tls()
	if err != nil {
		return nil, err
	}
	proxy := http.ProxyFromEnvironment
	if u, err := s.proxy(); err != nil {
		return nil, err
	} else if u != nil {
		proxy = http.ProxyURL(u)
	}
	dialer := &net.Dialer{Timeout: s.ConnectTimeout, KeepAlive: 30 * time.Second}
	t := &Transport{stall: s.StallTimeout, base: &http.Transport{
		Proxy: proxy, DialContext: dialer.DialContext, TLSClientConfig: tlsConfig, TLSHandshakeTimeout: s.ConnectTimeout,
		ResponseHeaderTimeout: s.ResponseTimeout, ExpectContinueTimeout: time.Second, IdleConnTimeout: 90 * time.Second,
		MaxIdleConns: connections, MaxIdleConnsPerHost: connections,
		ReadBufferSize: bufferSize, WriteBufferSize: bufferSize, DisableCompression: true,
	}}
	if s.Bandwidth > 0 {
		t.up, t.down = limiter(int64(s.Bandwidth)), limiter(int64(s.Bandwidth))
	}
	return t, nil
}

// limiter lets bytes pass at a rate, in portions of a twentieth of a second.
func limiter(perSecond int64) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(perSecond), int(max(smallest, min(perSecond/20, bufferSize))))
}

// CloseIdleConnections closes connections that no request uses.
func (t *Transport) CloseIdleConnections() { t.base.CloseIdleConnections() }

// Plain returns a transport with the same proxy, certificates and connection timeouts, and none of the rest: for clients
// that bring limits of their own, such as those that fetch credentials.
func (t *Transport) Plain() *http.Transport { return t.base.Clone() }

// RoundTrip sends one request.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	w := newWatch(t.stall, cancel)
	sent := r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		wrap := func(b io.ReadCloser) io.ReadCloser { return &upload{ctx: ctx, body: b, watch: w, limit: t.up} }
		sent.Body = wrap(r.Body)
		if r.GetBody != nil { // lets the base try again on a fresh connection when an idle one turns out to be dead
			sent.GetBody = func() (io.ReadCloser, error) {
				b, err := r.GetBody()
				if err != nil {
					return nil, err
				}
				return wrap(b), nil
			}
		}
	}
	answer, err := t.base.RoundTrip(sent)
	w.rest()
	if err != nil {
		err = w.reason(err)
		w.end()
		return nil, err
	}
	answer.Body = &download{ctx: ctx, body: answer.Body, watch: w, limit: t.down}
	return answer, nil
}
