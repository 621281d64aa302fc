package testenv

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Proxy is a real Toxiproxy between a client and a server: a network that can be made to fail.
type Proxy struct {
	proxy *toxiproxy.Proxy
	toxic bool // the cut is in place
}

// Directions of a cut.
const (
	ToServer = "upstream"
	ToClient = "downstream"
)

const cut = "cut"

// Toxiproxy starts a proxy in front of the server at upstream ("127.0.0.1:9000"). It passes everything on until it is told
// otherwise, and ends with the test. Its methods are for one goroutine.
func Toxiproxy(t testing.TB, upstream string) *Proxy {
	t.Helper()
	listen := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t))) // nobody takes it while the network is down
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &Proxy{proxy: toxiproxy.NewProxy(server, t.Name(), listen, upstream)}
	if err := p.proxy.Start(); err != nil {
		t.Fatalf("start Toxiproxy: %v", err)
	}
	t.Cleanup(p.proxy.Stop)
	return p
}

// Addr is where clients connect: host and port. It stays the same.
func (p *Proxy) Addr() string { return p.proxy.Listen }

// CutAfter cuts every connection, open or to come, when it has carried n more bytes in a direction (ToServer or ToClient),
// wherever in a message that is. A later call counts anew.
func (p *Proxy) CutAfter(t testing.TB, direction string, n int64) {
	t.Helper()
	p.Heal(t)
	spec := fmt.Sprintf(`{"name": %q, "type": "limit_data", "stream": %q, "attributes": {"bytes": %d}}`, cut, direction, n)
	if _, err := p.proxy.Toxics.AddToxicJson(strings.NewReader(spec)); err != nil {
		t.Fatalf("cut connections after %d bytes: %v", n, err)
	}
	p.toxic = true
}

// Heal ends the cutting.
func (p *Proxy) Heal(t testing.TB) {
	t.Helper()
	if !p.toxic {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if err := p.proxy.Toxics.RemoveToxic(ctx, cut); err != nil {
		t.Fatalf("end the cutting of connections: %v", err)
	}
	p.toxic = false
}

// Down cuts every connection at once and refuses new ones: the network is gone.
func (p *Proxy) Down() { p.proxy.Stop() }

// Up takes connections again, at the same address.
func (p *Proxy) Up(t testing.TB) {
	t.Helper()
	if err := p.proxy.Start(); err != nil {
		t.Fatalf("bring Toxiproxy up again: %v", err)
	}
}
