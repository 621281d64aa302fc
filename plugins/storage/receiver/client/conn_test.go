package client_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/client"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// counted counts the calls that write to a connection.
type counted struct {
	net.Conn
	writes atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// echo is a TLS server that sends back what it gets, until the test ends.
func echo(t *testing.T) (addr string) {
	t.Helper()
	cert, key := testenv.Certificate(t, t.TempDir(), "cert", "key")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { defer c.Close(); _, _ = io.Copy(c, c) })
		}
	})
	return l.Addr().String()
}

// Records leave many at a time, whole and in order, whatever the sizes of what is written, and while others come.
func TestRecordsLeaveTogether(t *testing.T) {
	addr := echo(t)
	data := make([]byte, 4<<20)
	_, _ = rand.Read(data)
	pieces := func(size int) func(w io.Writer) error {
		return func(w io.Writer) error {
			for b := data; len(b) > 0; b = b[min(size, len(b)):] {
				if _, err := w.Write(b[:min(size, len(b))]); err != nil {
					return err
				}
			}
			return nil
		}
	}
	ways := map[string]struct {
		send func(w io.Writer) error
		most int64 // calls
	}{
		"small pieces": {pieces(1000), 4200},
		"odd pieces":   {pieces(300_000), 2 * 14},
		"one piece":    {pieces(len(data)), 16},
		"a reader": {func(w io.Writer) error {
			_, err := io.Copy(w, struct{ io.Reader }{bytes.NewReader(data)})
			return err
		}, 16},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			dialed, err := (&net.Dialer{Timeout: time.Minute}).DialContext(t.Context(), "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			raw := &counted{Conn: dialed}
			c := client.NewConn(raw, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}) //nolint:gosec // its own server
			defer c.Close()
			if err := c.(interface{ Handshake() error }).Handshake(); err != nil {
				t.Fatal(err)
			}
			raw.writes.Store(0)
			sent := make(chan error, 1)
			go func() { sent <- way.send(c) }() // ends with the connection, and is waited for
			back := make([]byte, len(data))
			if _, err := io.ReadFull(c, back); err != nil {
				t.Fatal(err)
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(back, data) {
				t.Error("other bytes have come back")
			}
			if n := raw.writes.Load(); n > way.most {
				t.Errorf("%d calls for %d bytes, want at most %d", n, len(data), way.most)
			}
		})
	}
}

// A connection that is closed fails what is written to it.
func TestWriteToAClosedConnection(t *testing.T) {
	dialed, err := (&net.Dialer{Timeout: time.Minute}).DialContext(t.Context(), "tcp", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	c := client.NewConn(dialed, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}) //nolint:gosec // its own server
	if _, err := c.Write([]byte("shake hands")); err != nil {
		t.Fatal(err)
	}
	if err := dialed.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Write(make([]byte, 3*client.BufferSize)); err == nil {
		t.Errorf("%d bytes were written", n)
	}
}

// A receiver that takes the connection and says nothing is given up, and another try may help.
func TestHandshakeThatDoesNotEnd(t *testing.T) {
	target := testenv.ReceiverDown(t, testenv.ReceiverSettings{}).Enroll(t, "one")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := client.New(client.Config{
		Address: l.Addr().String(), Connections: 1, ConnectTimeout: 100 * time.Millisecond, StallTimeout: time.Hour,
		CAFile: target["ca_file"].(string), CertFile: target["cert_file"].(string), KeyFile: target["key_file"].(string),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = s.Check(t.Context()); !errs.Is(err, errs.Transient) || !strings.Contains(err.Error(), "handshake") {
		t.Errorf("error %v of kind %q, want a transient one of the handshake", err, errs.KindOf(err))
	}
}
