package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
)

// bad is a request that the receiver must refuse.
type bad struct {
	name, request string
	status        int    // 0: the connection is cut
	kind          string // of the error in the answer; empty: the HTTP library refuses by itself
}

// Whatever a client sends, the receiver says what is wrong, counts it, loses nothing and does not grow.
func TestBadInputs(t *testing.T) {
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{Main: `stall_timeout = "2s"`})
	p, other := newPeer(t, r, "victim"), newPeer(t, r, "other")
	p.store(t, "there", "abcdefgh")
	token := p.begin(t, "open")
	if a := p.put(t, token, 0, "1234"); a.status != http.StatusNoContent {
		t.Fatalf("put: %d %s", a.status, a.body)
	}
	foreign := other.begin(t, "open")
	var all []bad
	for _, part := range [][]bad{badBegins(), badChunks(token, foreign), badCommits(token), badObjects(), badHTTP()} {
		all = append(all, part...)
	}
	if len(all) < 60 {
		t.Fatalf("%d cases", len(all))
	}
	before := memory(t, r)
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			a := p.raw(t, tt.request)
			if a.status != tt.status || a.kind() != tt.kind {
				t.Errorf("status %d, kind %q; want %d, %q\n%.300s", a.status, a.kind(), tt.status, tt.kind, a.body)
			}
		})
	}
	testenv.Eventually(t, patience, "all malformed requests are counted", func() bool {
		return metric(t, r, "drydock_receiver_refused_connections_total", "malformed-request") >= float64(len(badHTTP()))
	})
	if n := metric(t, r, "drydock_receiver_requests_total", `client="victim"`, `status="4`); n < 50 {
		t.Errorf("%v refused requests were counted", n)
	}
	p.holds(t, "there", "abcdefgh")
	if a := p.get(t, "/v1/uploads/"+token+"/chunks"); strings.Count(string(a.body), `"index"`) != 1 {
		t.Errorf("chunks of the open upload: %s", a.body)
	}
	if a := p.get(t, "/v1/objects"); strings.Count(string(a.body), `"key"`) != 1 {
		t.Errorf("objects: %s", a.body)
	}
	if after := memory(t, r); after > before+64<<20 {
		t.Errorf("the receiver has grown from %d to %d MiB", before>>20, after>>20)
	}
}

func memory(t *testing.T, r *testenv.Receiver) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", r.PID()))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

func badBegins() []bad {
	var all []bad
	keys := map[string]string{
		"empty key": "", "absolute key": "/etc/passwd", "climbing key": "../x", "key that climbs in the middle": "a/../../b",
		"dot": ".", "two dots": "..", "empty element": "a//b", "slash at the end": "a/", "NUL": "a\x00b", "line break": "a\nb",
		"delete character": "a\x7fb", "4 KiB": strings.Repeat("a/", 2048), "element too long": strings.Repeat("x", 300),
		"staging": ".drydock-uploads/x", "staging in capitals": ".DRYDOCK-UPLOADS/x", "taken": "there",
	}
	for name, key := range keys {
		text, err := json.Marshal(wire.Begin{Key: key, ChunkSize: 4})
		if err != nil {
			panic(err)
		}
		b := bad{"begin/" + name, request("POST", wire.PathUploads, string(text)), 400, "invalid"}
		if name == "taken" {
			b.status, b.kind = 409, "exists"
		}
		all = append(all, b)
	}
	for name, body := range map[string]string{
		"not JSON": "begin!", "array": "[]", "text": `"x"`, "unknown field": `{"key":"k","chunk_size":4,"x":1}`,
		"two values": `{"key":"k","chunk_size":4}{}`, "fraction": `{"key":"k","chunk_size":1.5}`,
		"chunk size as text": `{"key":"k","chunk_size":"4"}`, "no chunk size": `{"key":"k"}`, "chunk size 0": `{"key":"k","chunk_size":0}`,
		"negative chunk size": `{"key":"k","chunk_size":-1}`, "huge chunk size": `{"key":"k","chunk_size":4611686018427387904}`,
		"number too large": `{"key":"k","chunk_size":1e99}`, "not UTF-8": "{\"key\":\"\xff\xfe\",\"chunk_size\":4}",
		"large body": `{"key":"` + strings.Repeat("x", 70<<10) + `","chunk_size":4}`, "deep": strings.Repeat("[", 20000),
	} {
		all = append(all, bad{"begin/" + name, request("POST", wire.PathUploads, body), 400, "invalid"})
	}
	return append(all, bad{"begin/no body", request("POST", wire.PathUploads, "", "Content-Length: 0"), 400, "invalid"},
		bad{"begin/body without end", "POST /v1/uploads HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"11170\r\n" + strings.Repeat("x", 0x11170) + "\r\n0\r\n\r\n", 400, "invalid"})
}

func badChunks(token, foreign string) []bad {
	const data = "abcd"
	put := func(token, index string, body string, headers ...string) string {
		return request("PUT", "/v1/uploads/"+token+"/chunks/"+index, body, headers...)
	}
	all := []bad{
		{"chunk/of another client", put(foreign, "0", data, digestHeader(data)), 404, "not-found"},
		{"chunk/unknown token", put(strings.Repeat("0", 32), "0", data, digestHeader(data)), 404, "not-found"},
		{"chunk/token that climbs", put("..%2f..%2fetc", "0", data, digestHeader(data)), 404, "not-found"},
		{"chunk/token with NUL", put("%00", "0", data, digestHeader(data)), 404, "not-found"},
		{"chunk/digest mismatch", put(token, "1", data, digestHeader("dcba")), 422, "corrupt"},
		{"chunk/too long", put(token, "1", "abcde", digestHeader("abcde")), 400, "invalid"},
		{"chunk/no digest", put(token, "1", data), 400, "invalid"},
		{"chunk/two digests", put(token, "1", data, digestHeader(data), digestHeader(data)), 400, "invalid"},
		{"chunk/encoded", put(token, "1", data, digestHeader(data), "Content-Encoding: gzip"), 400, "invalid"},
		{"chunk/no length", "PUT /v1/uploads/" + token + "/chunks/1 HTTP/1.1\r\nHost: x\r\n" + digestHeader(data) +
			"\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n", 400, "invalid"},
		{"chunk/length that lies", "PUT /v1/uploads/" + token + "/chunks/1 HTTP/1.1\r\nHost: x\r\n" + digestHeader(data) +
			"\r\nContent-Length: 4611686018427387904\r\n\r\nabcd", 400, "invalid"},
		{"chunk/falls asleep", "PUT /v1/uploads/" + token + "/chunks/1 HTTP/1.1\r\nHost: x\r\n" + digestHeader(data) +
			"\r\nContent-Length: 4\r\n\r\nab", 503, "transient"},
	}
	for _, index := range []string{"-1", "16777216", "01", "+1", "1.0", "x", "99999999999999999999", "%31", "1e1"} {
		all = append(all, bad{"chunk/index " + index, put(token, index, data, digestHeader(data)), 400, "invalid"})
	}
	all = append(all, bad{"chunk/no index", put(token, "", data, digestHeader(data)), 400, "invalid"})
	for _, d := range []string{"sha-256=::", "sha-256=:AAAA:", "sha-256=abc", "sha-512=:AAAA:", "sha-256=:!!!!:", "%", "sha-256"} {
		all = append(all, bad{"chunk/digest " + d, put(token, "1", data, wire.HeaderDigest+": "+d), 400, "invalid"})
	}
	return all
}

func badCommits(token string) []bad {
	commit := func(body string) string { return request("POST", "/v1/uploads/"+token+"/commit", body) }
	all := []bad{{"commit/unknown token", request("POST", "/v1/uploads/x/commit", `{"size":4}`), 404, "not-found"}}
	for _, body := range []string{`{"size":-1}`, `{"size":0}`, `{"size":3}`, `{"size":5}`, `{"size":"4"}`, `{}`, `{"size":4,"force":true}`, `null x`} {
		all = append(all, bad{"commit/" + body, commit(body), 400, "invalid"})
	}
	return all
}

func badObjects() []bad {
	var all []bad
	invalid := func(name, method, target string) {
		all = append(all, bad{name, request(method, target, ""), 400, "invalid"})
	}
	for _, key := range []string{"..%2Fother%2Fthere", "%2Fetc%2Fpasswd", "a%00b", "", "."} {
		invalid("stat/"+key, "GET", "/v1/object?key="+key)
		invalid("delete/"+key, "DELETE", "/v1/object?key="+key)
		invalid("read/"+key, "GET", "/v1/object/content?offset=0&length=1&key="+key)
		invalid("digest/"+key, "GET", "/v1/object/digest?offset=0&length=1&key="+key)
	}
	for _, q := range []string{"key=there&offset=-1&length=1", "key=there&offset=0&length=9", "key=there&offset=9&length=0", "key=there",
		"key=there&offset=9223372036854775807&length=9223372036854775807", "key=there&offset=0&length=1e3", "key=there&offset=0&length=0x1",
		"key=there&key=there&offset=0&length=1", "key=there&offset=0&length=1&x=1", "key=there;offset=0", "key=%zz&offset=0&length=1"} {
		invalid("read/"+q, "GET", "/v1/object/content?"+q)
	}
	return append(all,
		bad{"stat/no such object", request("GET", "/v1/object?key=missing", ""), 404, "not-found"},
		bad{"stat/of another client", request("GET", "/v1/object?key=open", ""), 404, "not-found"},
		bad{"stat/with a body", request("GET", "/v1/object?key=there", "body"), 400, "invalid"},
		bad{"no such path", request("GET", "/v1/secrets", ""), 404, "not-found"},
		bad{"other version", request("GET", "/v2/check", ""), 404, "not-found"},
		bad{"path that climbs", request("GET", "/v1/../v1/check", ""), 404, "not-found"},
		bad{"two slashes", request("GET", "//v1/check", ""), 404, "not-found"},
		bad{"other method", request("PATCH", "/v1/object?key=there", ""), 405, "unsupported"},
		bad{"TRACE", request("TRACE", "/v1/check", ""), 405, "unsupported"},
		bad{"CONNECT", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n", 404, "not-found"},
	)
}

// badHTTP is what never becomes a request.
func badHTTP() []bad {
	huge := make([]string, 3000)
	for i := range huge {
		huge[i] = fmt.Sprintf("X-Header-%d: x", i)
	}
	return []bad{
		{"http/huge header", request("GET", "/v1/check", "", "X: "+strings.Repeat("x", 64<<10)), 431, ""},
		{"http/very many headers", request("GET", "/v1/check", "", huge...), 431, ""},
		{"http/huge target", request("GET", "/v1/object?key="+strings.Repeat("x", 64<<10), ""), 431, ""},
		{"http/no host", "GET /v1/check HTTP/1.1\r\n\r\n", 400, ""},
		{"http/two hosts", "GET /v1/check HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, ""},
		{"http/method with a space", "G ET /v1/check HTTP/1.1\r\nHost: x\r\n\r\n", 400, ""},
		{"http/NUL in a header", "GET /v1/check HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", 400, ""},
		{"http/header without colon", "GET /v1/check HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", 400, ""},
		{"http/two lengths", "PUT /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, ""},
		{"http/negative length", "PUT /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, ""},
		{"http/length as text", "PUT /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: four\r\n\r\n", 400, ""},
		{"http/unknown encoding", "PUT /v1/check HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, ""},
		{"http/unknown version", "GET /v1/check HTTP/9.9\r\nHost: x\r\n\r\n", 505, ""},
		{"http/junk", "\x00\x01\x02\x03 junk\r\n\r\n", 400, ""},
	}
}

// Who cannot prove himself does not get as far as a request (R1.5).
func TestStrangers(t *testing.T) {
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{})
	client := newPeer(t, r, "known")
	nothing := func(*x509.Certificate) {}
	second := testenv.NewReceiver(t, testenv.ReceiverSettings{})
	foreign, err := newPeer(t, second, "known").tls.GetClientCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	with := func(cert *tls.Certificate) func(t *testing.T) string {
		return func(t *testing.T) string { return shake(t, r, configOf(t, r, cert)) }
	}
	tests := []struct {
		name   string
		try    func(t *testing.T) string
		reason string
	}{
		{"no certificate", with(nil), "handshake"},
		{"self-signed", with(signed(t, r, false, nothing)), "foreign-certificate"},
		{"another authority", with(foreign), "foreign-certificate"},
		{"expired", with(signed(t, r, true, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) })), "expired-certificate"},
		{"not for clients", with(signed(t, r, true, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		})), "bad-certificate"},
		{"name that climbs", with(signed(t, r, true, func(c *x509.Certificate) { c.Subject.CommonName = "../known" })), "bad-client-name"},
		{"name in capitals", with(signed(t, r, true, func(c *x509.Certificate) { c.Subject.CommonName = "KNOWN" })), "bad-client-name"},
		{"no name", with(signed(t, r, true, func(c *x509.Certificate) { c.Subject.CommonName = "" })), "bad-client-name"},
		{"TLS 1.2", func(t *testing.T) string {
			c := client.tls.Clone()
			c.MaxVersion = tls.VersionTLS12
			return shake(t, r, c)
		}, "handshake"},
		{"junk", func(t *testing.T) string { return speak(t, r, strings.Repeat("junk\x00\xff", 1000)) }, "not-tls"},
		{"plain HTTP", func(t *testing.T) string { return speak(t, r, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") }, "not-tls"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			label := `reason="` + tt.reason + `"`
			before := metric(t, r, "drydock_receiver_refused_connections_total", label)
			if got := tt.try(t); strings.Contains(got, "200 OK") {
				t.Errorf("let in: %s", got)
			}
			testenv.Eventually(t, patience, tt.reason+" is counted", func() bool {
				return metric(t, r, "drydock_receiver_refused_connections_total", label) > before
			})
		})
	}
	if a := client.get(t, wire.PathCheck); a.status != http.StatusOK {
		t.Errorf("a known client gets %d %s", a.status, a.body)
	}
}

// shake tries to make a request and returns what came back.
func shake(t *testing.T, r *testenv.Receiver, config *tls.Config) string {
	t.Helper()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", r.Address, config)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, request("GET", wire.PathCheck, "", "Connection: close"))
	text, _ := io.ReadAll(c)
	return string(text)
}

// speak sends bytes without TLS.
func speak(t *testing.T, r *testenv.Receiver, text string) string {
	t.Helper()
	c, err := net.DialTimeout("tcp", r.Address, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, text)
	got, _ := io.ReadAll(c)
	return string(got)
}
