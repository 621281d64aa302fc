package server_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
)

// R1.5: a running server notices that a client was revoked, cuts its connections and takes no new ones.
func TestRevoked(t *testing.T) {
	t.Parallel()
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{})
	gone, other := newPeer(t, r, "gone"), newPeer(t, r, "other")
	gone.store(t, "kept", "abcd")
	open, kept := gone.dial(t), other.dial(t)
	ask(t, open)
	ask(t, kept)
	r.Run(t, "revoke", "gone", "--pki", r.PKI)
	var timeout net.Error
	if _, err := open.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("an open connection was not cut: %v", err)
	}
	gone.get(t, wire.PathCheck).want(t, "a new connection", 0, "")
	testenv.Eventually(t, patience, "it is counted", func() bool {
		return metric(t, r, "drydock_receiver_refused_connections_total", `reason="revoked-certificate"`) > 0
	})
	ask(t, kept)
	again := newPeerIn(t, r, "gone", "again")
	again.holds(t, "kept", "abcd")
}

// A new certificate of the server is used without a restart; a broken one is not taken.
func TestCertificateReload(t *testing.T) {
	t.Parallel()
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{})
	p := newPeer(t, r, "shop")
	kept := p.dial(t)
	ask(t, kept)
	serial := func() string { return p.dial(t).ConnectionState().PeerCertificates[0].SerialNumber.String() }
	first := serial()
	name := filepath.Join(r.PKI, "server.pem")
	if err := os.WriteFile(name, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, patience, "the broken certificate is refused", func() bool {
		return strings.Contains(r.Log(t), "new certificates were refused")
	})
	if now := serial(); now != first {
		t.Errorf("certificate %s instead of %s", now, first)
	}
	r.Run(t, "init", "--renew", "--pki", r.PKI, "--host", "127.0.0.1")
	testenv.Eventually(t, patience, "the new certificate is used", func() bool { return serial() != first })
	ask(t, kept)
}

// SIGHUP takes over a sound configuration, and nothing of one with mistakes; the access log is opened anew.
func TestReload(t *testing.T) {
	t.Parallel()
	access := filepath.Join(t.TempDir(), "access")
	log := fmt.Sprintf("  access = %q\n", access)
	r := testenv.ReceiverDown(t, testenv.ReceiverSettings{})
	r.Configure(t, strings.Replace(r.Text(t), "\nlog {\n", "\nlog {\n"+log, 1))
	r.Start(t)
	p := newPeer(t, r, "shop")
	p.store(t, "young", "abcd")
	sound := r.Text(t)
	hup := func(text, says string) {
		t.Helper()
		before := strings.Count(r.Log(t), says)
		r.Configure(t, text)
		r.Signal(t, syscall.SIGHUP)
		testenv.Eventually(t, patience, "the server says: "+says, func() bool { return strings.Count(r.Log(t), says) > before })
	}
	floor := strings.Replace(sound, "\nlimits {\n", "\nlimits {\n  retention_floor = \"1h\"\n", 1)
	for name, text := range map[string]string{
		"broken": floor + "}", "another root": strings.Replace(floor, r.Root, r.Root+"2", 1),
		"another layout":  strings.Replace(floor, "\nreceiver {\n", "\nreceiver {\n  layout = \"x/${client}\"\n", 1),
		"no certificates": strings.Replace(floor, "server.pem", "none.pem", 1),
	} {
		t.Run(name, func(t *testing.T) { hup(text, "refused") })
	}
	if c := p.room(t); c.RetainSeconds != 0 {
		t.Errorf("a part of a refused configuration holds: %+v", c)
	}
	if err := os.Rename(access, access+".1"); err != nil {
		t.Fatal(err)
	}
	hup(floor, wasRead)
	p.delete(t, "/v1/object?key=young").want(t, "the new configuration", 403, "permission")
	for name, want := range map[string]string{access: `"status":403`, access + ".1": `"status":201`} {
		wantRecords(t, name, want)
	}
}

// wantRecords demands JSON records in an access log, one of which holds a text.
func wantRecords(t *testing.T, name, want string) {
	t.Helper()
	testenv.Eventually(t, patience, name+" holds "+want, func() bool {
		text, err := os.ReadFile(name)
		return err == nil && strings.Contains(string(text), want)
	})
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r struct{ Client, Route, Remote string }
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil || r.Client == "" || r.Route == "" || r.Remote == "" {
			t.Errorf("record %s: %v", lines.Text(), err)
		}
	}
}

// half sends the header of a chunk and half of its bytes.
func (p *peer) half(t *testing.T, token string) io.ReadWriter {
	t.Helper()
	c := p.dial(t)
	text := request("PUT", "/v1/uploads/"+token+"/chunks/0", "abcd", digestHeader("abcd"))
	if _, err := io.WriteString(c, text[:len(text)-2]); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, patience, "the chunk is on its way", func() bool {
		return metric(t, p.r, "drydock_receiver_transfers") > 0
	})
	return c
}

// SIGTERM: what is on its way comes to its end, nothing new is taken, and the server says so.
func TestDrain(t *testing.T) {
	t.Parallel()
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{})
	p := newPeer(t, r, "shop")
	token := p.begin(t, "late")
	c := p.half(t, token)
	r.Signal(t, syscall.SIGTERM)
	testenv.Eventually(t, patience, "the server drains", func() bool { return status(t, r) == "draining" })
	testenv.Eventually(t, patience, "new connections are refused", func() bool { return p.tries(t) == 0 })
	if _, err := io.WriteString(c, "cd"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || response.StatusCode != http.StatusNoContent {
		t.Fatalf("the chunk that was on its way: %v, %v", response, err)
	}
	_ = response.Body.Close()
	if code := r.Wait(t); code != 0 {
		t.Errorf("exit code %d:\n%s", code, r.Log(t))
	}
	r.Start(t)
	p.commit(t, token, 4).want(t, "commit after the restart", 200, "")
	p.holds(t, "late", "abcd")
}

// A client that does not come to its end does not keep the server from ending.
func TestDrainLimit(t *testing.T) {
	t.Parallel()
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{Main: `drain_timeout = "1s"`})
	p := newPeer(t, r, "shop")
	p.store(t, "there", "abcd")
	token := p.begin(t, "late")
	p.half(t, token)
	r.Signal(t, syscall.SIGTERM)
	if code := r.Wait(t); code != 1 || !strings.Contains(r.Log(t), "drain: context deadline exceeded") {
		t.Errorf("exit code %d:\n%s", code, r.Log(t))
	}
	r.Start(t)
	p.holds(t, "there", "abcd")
	if a := p.get(t, "/v1/uploads/"+token+"/chunks"); a.status != http.StatusOK || strings.Contains(string(a.body), "index") {
		t.Errorf("half of a chunk has arrived: %d %s", a.status, a.body)
	}
}

// R5.5: an upload that nobody touches is dropped, and gives its room back; a younger one stays, and so does what was committed.
func TestExpiry(t *testing.T) {
	t.Parallel()
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{Main: `partial_ttl = "1h"`})
	p := newPeer(t, r, "shop")
	p.store(t, "there", "abcd")
	old, young := p.begin(t, "old"), p.begin(t, "young")
	for _, token := range []string{old, young} {
		p.put(t, token, 0, "abcd").want(t, "put", 204, "")
	}
	r.Kill(t)
	dir := filepath.Join(r.Root, "shop", ".drydock-uploads", old)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-2 * time.Hour)
	for _, e := range entries {
		if err := os.Chtimes(filepath.Join(dir, e.Name()), before, before); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(dir, before, before); err != nil {
		t.Fatal(err)
	}
	r.Start(t)
	testenv.Eventually(t, patience, "the abandoned upload is dropped", func() bool {
		return metric(t, r, "drydock_receiver_expired_uploads_total") == 1
	})
	p.get(t, "/v1/uploads/"+old+"/chunks").want(t, "the abandoned upload", 404, "not-found")
	p.commit(t, young, 4).want(t, "the younger upload", 200, "")
	p.holds(t, "there", "abcd")
	if c := p.room(t); c.Used != 8 {
		t.Errorf("used are %d bytes", c.Used)
	}
}

// R8.1: a server listens on all of its addresses; one that is taken is a clear error, and so is a root that is.
func TestListen(t *testing.T) {
	t.Parallel()
	r := testenv.ReceiverDown(t, testenv.ReceiverSettings{})
	_, port, err := net.SplitHostPort(r.Address)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{r.Address, "127.0.0.2:" + port, "127.0.0.3:" + port}
	one := fmt.Sprintf("listen = [%q]", r.Address)
	r.Configure(t, strings.Replace(r.Text(t), one, fmt.Sprintf("listen = [%q, %q, %q]", all[0], all[1], all[2]), 1))
	r.Start(t)
	p := newPeer(t, r, "shop")
	for _, address := range all {
		at := *r
		at.Address = address
		there := *p
		there.r = &at
		there.get(t, wire.PathCheck).want(t, address, 200, "")
	}
	out, err := r.Try(t, "serve", "--config", r.ConfigFile)
	if err == nil || !strings.Contains(out, "another receiver works on it") {
		t.Errorf("a second server on one root: %v\n%s", err, out)
	}
	second := testenv.ReceiverDown(t, testenv.ReceiverSettings{})
	second.Configure(t, strings.Replace(second.Text(t), second.Address, r.Address, 1))
	out, err = second.Try(t, "serve", "--config", second.ConfigFile)
	if err == nil || !strings.Contains(out, "address already in use") {
		t.Errorf("a second server on one address: %v\n%s", err, out)
	}
}
