package server_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
)

// patience is far more than anything here takes, also on a busy machine.
const patience = time.Minute

// peer speaks to a receiver byte by byte.
type peer struct {
	r    *testenv.Receiver
	name string
	tls  *tls.Config
}

func newPeer(t *testing.T, r *testenv.Receiver, name string) *peer {
	t.Helper()
	return newPeerIn(t, r, name, name)
}

// newPeerIn is newPeer with a bundle of another name.
func newPeerIn(t *testing.T, r *testenv.Receiver, name, bundle string) *peer {
	t.Helper()
	target := r.EnrollIn(t, name, bundle)
	cert, err := tls.LoadX509KeyPair(target["cert_file"].(string), target["key_file"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return &peer{r, name, configOf(t, r, &cert)}
}

func configOf(t *testing.T, r *testenv.Receiver, cert *tls.Certificate) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.PKI, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	c := &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
	if cert != nil {
		// Certificates would be left out when the server does not ask for their authority.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	return c
}

func (p *peer) dial(t *testing.T) *tls.Conn {
	t.Helper()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", p.r.Address, p.tls)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// kind is the kind of an error.
func (a answer) kind() string {
	var e wire.Error
	if json.Unmarshal(a.body, &e) == nil {
		return string(e.Kind)
	}
	return ""
}

// raw sends bytes on a connection of their own and reads one answer. Status 0 means that the connection was cut.
func (p *peer) raw(t *testing.T, request string) answer {
	t.Helper()
	c := p.dial(t)
	defer c.Close()
	go func() { _, _ = io.WriteString(c, request) }() // the server may stop reading; ends with the connection
	return read(c)
}

// read reads one answer.
func read(c *tls.Conn) answer {
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return answer{}
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body) // what was cut off shows in the body
	return answer{response.StatusCode, response.Header, body}
}

// request writes a request; headers are lines.
func request(method, target, body string, headers ...string) string {
	if body != "" {
		headers = append(headers, fmt.Sprint("Content-Length: ", len(body)))
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: vault\r\n%s\r\n%s", method, target, lines(headers), body)
}

func lines(headers []string) string {
	var b strings.Builder
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	return b.String()
}

func digestHeader(data string) string {
	return wire.HeaderDigest + ": " + wire.FormatDigest(sha256.Sum256([]byte(data)))
}

// begin opens an upload with chunks of 4 bytes.
func (p *peer) begin(t *testing.T, key string) string {
	t.Helper()
	text, err := json.Marshal(wire.Begin{Key: key, ChunkSize: 4})
	if err != nil {
		t.Fatal(err)
	}
	a := p.raw(t, request("POST", wire.PathUploads, string(text)))
	var b wire.Begun
	if err := json.Unmarshal(a.body, &b); err != nil || a.status != http.StatusCreated {
		t.Fatalf("begin %q: %d %s", key, a.status, a.body)
	}
	return b.Token
}

func (p *peer) put(t *testing.T, token string, index int, data string) answer {
	t.Helper()
	return p.raw(t, request("PUT", fmt.Sprintf("/v1/uploads/%s/chunks/%d", token, index), data, digestHeader(data)))
}

func (p *peer) commit(t *testing.T, token string, size int) answer {
	t.Helper()
	return p.raw(t, request("POST", "/v1/uploads/"+token+"/commit", fmt.Sprintf(`{"size":%d}`, size)))
}

// store takes an object the whole way.
func (p *peer) store(t *testing.T, key, data string) {
	t.Helper()
	token := p.begin(t, key)
	for i := 0; i*4 < len(data); i++ {
		if a := p.put(t, token, i, data[i*4:min(i*4+4, len(data))]); a.status != http.StatusNoContent {
			t.Fatalf("put chunk %d: %d %s", i, a.status, a.body)
		}
	}
	if a := p.commit(t, token, len(data)); a.status != http.StatusOK || !bytes.Contains(a.body, []byte(`"end":true`)) {
		t.Fatalf("commit: %d %s", a.status, a.body)
	}
}

func (p *peer) get(t *testing.T, target string) answer {
	t.Helper()
	return p.raw(t, request("GET", target, ""))
}

// holds demands that an object is there as it was stored.
func (p *peer) holds(t *testing.T, key, data string) {
	t.Helper()
	a := p.get(t, fmt.Sprintf("/v1/object/content?key=%s&offset=0&length=%d", key, len(data)))
	if a.status != http.StatusOK || string(a.body) != data {
		t.Errorf("%s holds %q (status %d), want %q", key, a.body, a.status, data)
	}
}

// status is what the server says of its health to the administrator; empty when it is not there.
func status(t *testing.T, r *testenv.Receiver) string {
	t.Helper()
	c := &http.Client{Timeout: patience}
	response, err := c.Get("http://" + r.Metrics + "/healthz")
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	var h wire.Health
	if err := json.NewDecoder(response.Body).Decode(&h); err != nil {
		t.Fatal(err)
	}
	return h.Status
}

// metric returns the sum of a metric's values whose labels hold all of the given texts.
func metric(t *testing.T, r *testenv.Receiver, name string, labels ...string) float64 {
	t.Helper()
	c := &http.Client{Timeout: patience}
	response, err := c.Get("http://" + r.Metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
next:
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || !strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, " ") {
			continue
		}
		for _, l := range labels {
			if !strings.Contains(rest, l) {
				continue next
			}
		}
		var v float64
		if _, err := fmt.Sscan(rest[strings.LastIndex(rest, " "):], &v); err != nil {
			t.Fatalf("metric %q: %v", line, err)
		}
		sum += v
	}
	return sum
}

// signed makes a certificate for a client, signed by the receiver's authority, or by itself.
func signed(t *testing.T, r *testenv.Receiver, byAuthority bool, change func(c *x509.Certificate)) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "forged"},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	change(c)
	parent, signer := c, any(key)
	if byAuthority {
		pair, err := tls.LoadX509KeyPair(filepath.Join(r.PKI, "ca.pem"), filepath.Join(r.PKI, "ca-key.pem"))
		if err != nil {
			t.Fatal(err)
		}
		parent, signer = pair.Leaf, pair.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}))
	if err != nil {
		t.Fatal(err)
	}
	return &pair
}
