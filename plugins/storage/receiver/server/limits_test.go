package server_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
)

// want demands a status, and the kind of an error.
func (a answer) want(t *testing.T, what string, status int, kind string) {
	t.Helper()
	if a.status != status || a.kind() != kind {
		t.Fatalf("%s: status %d, kind %q; want %d, %q\n%.300s", what, a.status, a.kind(), status, kind, a.body)
	}
}

func (p *peer) room(t *testing.T) (c wire.Check) {
	t.Helper()
	a := p.get(t, wire.PathCheck)
	if err := json.Unmarshal(a.body, &c); err != nil {
		t.Fatalf("check: %d %s", a.status, a.body)
	}
	return c
}

func (p *peer) delete(t *testing.T, target string) answer {
	t.Helper()
	return p.raw(t, request("DELETE", target, ""))
}

// reload replaces the configuration and waits until the server says that it has read it.
func reload(t *testing.T, r *testenv.Receiver, settings testenv.ReceiverSettings, says string) {
	t.Helper()
	before := strings.Count(r.Log(t), says)
	r.Set(t, settings)
	r.Signal(t, syscall.SIGHUP)
	testenv.Eventually(t, patience, "the server says: "+says, func() bool { return strings.Count(r.Log(t), says) > before })
}

const wasRead = "configuration read"

// R10.5: objects and unfinished uploads count, each client for itself, and also after a crash of the server.
func TestQuota(t *testing.T) {
	t.Parallel()
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{Limits: `quota = "10B"`})
	p, other := newPeer(t, r, "small"), newPeer(t, r, "other")
	p.store(t, "first", "abcdefgh")
	token := p.begin(t, "second")
	p.put(t, token, 0, "1234").want(t, "over the quota", 507, "no-space")
	p.put(t, token, 0, "12").want(t, "up to the quota", 204, "")
	if c := p.room(t); c.Free != 0 || c.Used != 10 || c.Total != 10 {
		t.Errorf("room: %+v", c)
	}
	other.store(t, "first", "abcdefgh")

	r.Kill(t)
	r.Start(t)
	third := p.begin(t, "third")
	p.put(t, third, 0, "1").want(t, "over the quota after a crash", 507, "no-space")
	p.delete(t, "/v1/uploads/"+token).want(t, "abort", 204, "")
	p.put(t, third, 0, "1").want(t, "in what an upload has left", 204, "")
	p.delete(t, "/v1/object?key=first").want(t, "delete", 204, "")
	p.store(t, "fourth", "abcdefgh")

	reload(t, r, testenv.ReceiverSettings{Limits: `quota = "100B"`}, wasRead)
	p.store(t, "fifth", "abcdefghijkl")
	if quota := metric(t, r, "drydock_receiver_quota_bytes", `client="small"`); quota != 100 {
		t.Errorf("the metric says %v", quota)
	}
}

// A client gets no more than its rate, in either direction. That something is slow enough can be told on any machine.
func TestRate(t *testing.T) {
	t.Parallel()
	const burst, more, rate = 256 << 10, 256 << 10, 512 << 10
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{Blocks: "client \"slow\" {\n  rate = \"512KiB\"\n}\n"})
	p := newPeer(t, r, "slow")
	data := strings.Repeat("x", burst+more)
	a := p.raw(t, request("POST", wire.PathUploads, `{"key":"k","chunk_size":1048576}`))
	var b wire.Begun
	if err := json.Unmarshal(a.body, &b); err != nil {
		t.Fatal(err)
	}
	least := time.Duration(more) * time.Second / rate
	began := time.Now()
	p.put(t, b.Token, 0, data).want(t, "put", 204, "")
	if took := time.Since(began); took < least {
		t.Errorf("the chunk took %v, less than %v", took, least)
	}
	p.commit(t, b.Token, len(data)).want(t, "commit", 200, "")
	began = time.Now()
	p.holds(t, "k", data)
	if took := time.Since(began); took < least {
		t.Errorf("reading took %v, less than %v", took, least)
	}
}

// R10.5: what is younger than the retention floor stays, whoever asks, and so does everything of an append-only client.
func TestRetentionFloor(t *testing.T) {
	t.Parallel()
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{
		Limits: `retention_floor = "1h"`, Blocks: "client \"vault\" {\n  append_only = true\n}\n",
	})
	p, vault := newPeer(t, r, "shop"), newPeer(t, r, "vault")
	for _, p := range []*peer{p, vault} {
		p.store(t, "young", "abcd")
		p.store(t, "old", "abcd")
		before := time.Now().Add(-2 * time.Hour)
		if err := os.Chtimes(filepath.Join(r.Root, p.name, "old"), before, before); err != nil {
			t.Fatal(err)
		}
	}
	p.delete(t, "/v1/object?key=young").want(t, "too young", 403, "permission")
	p.delete(t, "/v1/object?key=old").want(t, "old enough", 204, "")
	vault.delete(t, "/v1/object?key=old").want(t, "append-only", 403, "permission")
	vault.raw(t, request("POST", wire.PathUploads, `{"key":"old","chunk_size":4}`)).want(t, "overwrite", 409, "exists")
	vault.holds(t, "old", "abcd")
	reload(t, r, testenv.ReceiverSettings{}, wasRead)
	p.delete(t, "/v1/object?key=young").want(t, "without a floor", 204, "")
}

// R8.5: a client has no more connections than it may, and whoever comes without a certificate keeps nobody out.
func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{
		Main: "max_connections = 16", Blocks: "client \"few\" {\n  connections = 2\n}\n",
	})
	few, other := newPeer(t, r, "few"), newPeer(t, r, "other")
	count := func(reason string) float64 {
		return metric(t, r, "drydock_receiver_refused_connections_total", `reason="`+reason+`"`)
	}
	held := []*tls.Conn{few.dial(t), few.dial(t)}
	for _, c := range held {
		ask(t, c)
	}
	few.get(t, wire.PathCheck).want(t, "a connection too many", 0, "")
	testenv.Eventually(t, patience, "it is counted", func() bool { return count("too-many-connections-of-client") > 0 })
	ask(t, held[0])
	other.get(t, wire.PathCheck).want(t, "another client", 200, "")
	_ = held[1].Close()
	testenv.Eventually(t, patience, "there is room for another connection", func() bool { return few.tries(t) == 200 })

	kept := other.dial(t)
	ask(t, kept)
	var strangers []net.Conn
	defer func() {
		for _, c := range strangers {
			_ = c.Close()
		}
	}()
	testenv.Eventually(t, patience, "strangers are refused", func() bool {
		c, err := net.DialTimeout("tcp", r.Address, patience)
		if err == nil {
			strangers = append(strangers, c)
		}
		return count("too-many-connections") > 0
	})
	ask(t, kept)
	for _, c := range strangers {
		_ = c.Close()
	}
	testenv.Eventually(t, patience, "strangers leave no trace", func() bool { return other.tries(t) == 200 })
}

// ask makes a request on a connection that stays open.
func ask(t *testing.T, c *tls.Conn) {
	t.Helper()
	if _, err := io.WriteString(c, request("GET", wire.PathHealth, "")); err != nil {
		t.Fatal(err)
	}
	if a := read(c); a.status != http.StatusOK {
		t.Fatalf("status %d on an open connection", a.status)
	}
}

// tries makes one request and returns its status, 0 when there is no connection to be had.
func (p *peer) tries(t *testing.T) int {
	t.Helper()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", p.r.Address, p.tls)
	if err != nil {
		return 0
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, request("GET", wire.PathCheck, "", "Connection: close"))
	return read(c).status
}

// R10.3, R8.5: of several transfers of one name, one wins; the others are told, and change nothing.
func TestOneWins(t *testing.T) {
	t.Parallel()
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{})
	p := newPeer(t, r, "shop")
	const transfers = 8
	var tokens []string
	for i := range transfers {
		tokens = append(tokens, p.begin(t, "dir/name"))
		p.put(t, tokens[i], 0, fmt.Sprintf("%04d", i)).want(t, "put", 204, "")
	}
	answers := make([]answer, transfers)
	var wg sync.WaitGroup
	for i := range answers {
		c := p.dial(t)
		wg.Go(func() {
			_, _ = io.WriteString(c, request("POST", "/v1/uploads/"+tokens[i]+"/commit", `{"size":4}`))
			answers[i] = read(c)
		})
	}
	wg.Wait()
	winner := -1
	for i, a := range answers {
		switch {
		case a.status == http.StatusOK && winner < 0:
			winner = i
		case a.status != http.StatusConflict || a.kind() != "exists":
			t.Errorf("transfer %d: %d %s", i, a.status, a.body)
		}
	}
	if winner < 0 {
		t.Fatal("nobody has won")
	}
	p.holds(t, "dir/name", fmt.Sprintf("%04d", winner))
	p.commit(t, tokens[winner], 4).want(t, "the winner again", 200, "")
	p.commit(t, tokens[(winner+1)%transfers], 4).want(t, "a loser again", 409, "exists")
}

// R10.4, and what somebody with access to the disk can plant: directories follow the layout, and nothing leads out of them.
func TestLayout(t *testing.T) {
	t.Parallel()
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{
		Main: `layout = "${group}/backups/${client}"`, Blocks: "client \"shop\" {\n  group = \"europe\"\n}\n",
	})
	shop, other := newPeer(t, r, "shop"), newPeer(t, r, "other")
	shop.store(t, "db/Data.zip", "abcd")
	other.store(t, "db/Data.zip", "efgh")
	for name, want := range map[string]string{"europe/backups/shop": "abcd", "default/backups/other": "efgh"} {
		if got, err := os.ReadFile(filepath.Join(r.Root, name, "db", "Data.zip")); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("abcd"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"default/backups/evil", "europe/backups/shop/link"} {
		if err := os.Symlink(outside, filepath.Join(r.Root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if a := newPeer(t, r, "evil").raw(t, request("POST", wire.PathUploads, `{"key":"k","chunk_size":4}`)); a.status < 400 {
		t.Errorf("a client's directory that leads out of the root: %d %s", a.status, a.body)
	}
	if a := shop.get(t, "/v1/object/content?key=link/secret&offset=0&length=4"); a.status < 400 {
		t.Errorf("a link that leads out of the root is read: %d %s", a.status, a.body)
	}
	if a := shop.raw(t, request("POST", wire.PathUploads, `{"key":"link/k","chunk_size":4}`)); a.status < 400 {
		t.Errorf("a link that leads out of the root is written through: %d %s", a.status, a.body)
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 1 {
		t.Errorf("outside: %v, %v", entries, err)
	}
}
