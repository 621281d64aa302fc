package enroll_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/enroll"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
)

// patience is far more than anything here takes, also on a busy machine.
const patience = time.Minute

// offered is an offer that waits on this host.
type offered struct {
	authority *pki.Authority
	dir       string // of the authority
	address   string
	token     enroll.Token
	ended     chan error
}

func offer(t *testing.T, within time.Duration) *offered {
	t.Helper()
	o := &offered{dir: filepath.Join(t.TempDir(), "pki"), ended: make(chan error, 1)}
	var err error
	if o.authority, err = pki.Create(o.dir, time.Now); err == nil {
		err = o.authority.Server([]string{"vault"}, pki.ServerLife)
	}
	if err != nil {
		t.Fatal(err)
	}
	offer, token, err := enroll.New(o.authority, "shop", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.address, o.token = l.Addr().String(), token
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { o.ended <- offer.Serve(ctx, l, within) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return o
}

func (o *offered) redeem(t *testing.T, token enroll.Token) (string, string, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	name, err := enroll.Redeem(t.Context(), o.address, token, dir)
	if _, e := os.Stat(dir); err != nil && !errors.Is(e, os.ErrNotExist) {
		t.Errorf("left of an enrolment that has failed: %s, %v", dir, e)
	}
	return dir, name, err
}

func (o *offered) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-o.ended:
		return err
	case <-time.After(patience):
		t.Fatal("the offer does not end")
		return nil
	}
}

// R1.5: a token is good for one certificate, of the name that the administrator has said, which can be revoked by it.
func TestRedeem(t *testing.T) {
	o := offer(t, time.Hour)
	dir, name, err := o.redeem(t, o.token)
	if err != nil || name != "shop" {
		t.Fatalf("name %q, error %v", name, err)
	}
	if err := o.end(t); err != nil {
		t.Errorf("the offer: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, pki.BundleKey)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info, err)
	}
	issued, err := o.authority.Issued("shop")
	if err != nil || len(issued) != 1 {
		t.Errorf("%d certificates are known, error %v", len(issued), err)
	}
	if n, err := o.authority.Revoke("shop"); n != 1 || err != nil {
		t.Errorf("%d certificates revoked, error %v", n, err)
	}
	if _, _, err := o.redeem(t, o.token); err == nil {
		t.Error("the token is good for a second certificate")
	}
}

// Of several who come with the token at once, one gets the certificate.
func TestOnce(t *testing.T) {
	o := offer(t, time.Hour)
	var wg sync.WaitGroup
	failed := make([]error, 8)
	for i := range failed {
		wg.Go(func() { _, _, failed[i] = o.redeem(t, o.token) })
	}
	wg.Wait()
	won := 0
	for _, err := range failed {
		if err == nil {
			won++
		}
	}
	if issued, err := o.authority.Issued("shop"); won != 1 || err != nil || len(issued) != 1 {
		t.Errorf("%d have a certificate, %d are known, error %v", won, len(issued), err)
	}
}

// A token of another offer of the same receiver is wrong, and whoever tries too often ends the offer.
func TestWrongToken(t *testing.T) {
	o := offer(t, time.Hour)
	_, other, err := enroll.New(o.authority, "shop", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, _, err := o.redeem(t, other); !errors.Is(err, enroll.ErrRefused) {
			t.Errorf("error %v", err)
		}
	}
	if err := o.end(t); !errors.Is(err, enroll.ErrWrong) {
		t.Errorf("the offer: %v", err)
	}
	if _, _, err := o.redeem(t, o.token); err == nil {
		t.Error("the right token is taken after the end")
	}
	if issued, err := o.authority.Issued("shop"); len(issued) != 0 || err != nil {
		t.Errorf("%d certificates, error %v", len(issued), err)
	}
}

// An agent says nothing to somebody whom the token does not name: the token is still good afterwards.
func TestAnotherAuthority(t *testing.T) {
	mine, other := offer(t, time.Hour), offer(t, time.Hour)
	impostor := *other
	impostor.address = mine.address
	if _, _, err := impostor.redeem(t, other.token); !errors.Is(err, enroll.ErrAuthority) {
		t.Errorf("error %v", err)
	}
	if _, _, err := other.redeem(t, other.token); err != nil {
		t.Error(err)
	}
}

func TestExpired(t *testing.T) {
	o := offer(t, time.Millisecond)
	if err := o.end(t); !errors.Is(err, enroll.ErrExpired) {
		t.Errorf("the offer: %v", err)
	}
	if _, _, err := o.redeem(t, o.token); err == nil {
		t.Error("the token is good after its time")
	}
}

// A bundle that is there is not touched, and the token is not spent on it.
func TestBundleIsThere(t *testing.T) {
	o := offer(t, time.Hour)
	dir := t.TempDir()
	if _, err := enroll.Redeem(t.Context(), o.address, o.token, dir); !errors.Is(err, os.ErrExist) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the directory that was there: %v", err)
	}
	if _, _, err := o.redeem(t, o.token); err != nil {
		t.Error(err)
	}
}

// What is no request is refused, and leaves the offer open.
func TestBadRequests(t *testing.T) {
	o := offer(t, time.Hour)
	tests := map[string]struct {
		method, path, body string
		status             int
	}{
		"other path":   {"POST", "/v1/check", "{}", 404},
		"other method": {"GET", "/v1/enroll", "", 404},
		"no JSON":      {"POST", "/v1/enroll", "enroll!", 400},
		"no base64":    {"POST", "/v1/enroll", `{"secret":"!"}`, 400},
		"too large":    {"POST", "/v1/enroll", `{"secret":"` + strings.Repeat("A", 64<<10) + `"}`, 400},
		"no secret":    {"POST", "/v1/enroll", `{}`, 403},
	}
	c := &http.Client{Transport: anyServer(), Timeout: patience}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, "https://"+o.address+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if text, _ := io.ReadAll(answer.Body); answer.StatusCode != tt.status {
				t.Errorf("status %d, want %d\n%s", answer.StatusCode, tt.status, text)
			}
		})
	}
	if status := o.ask(t, c, []byte("not a CSR")); status != http.StatusBadRequest {
		t.Errorf("a broken request for a certificate with the right token: status %d", status)
	}
	if _, _, err := o.redeem(t, o.token); err != nil {
		t.Error(err)
	}
}

func FuzzToken(f *testing.F) {
	good := enroll.Token{Authority: [32]byte{1}}.Text()
	for _, text := range []string{
		good, good[:len(good)-1], good + "\n", strings.ToUpper(good), "", "drydock-enroll-1-", "drydock-enroll-2-" + good[17:],
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := enroll.ParseToken(text)
		if err == nil && token.Text() != text {
			t.Errorf("%q is read as %q", text, token.Text())
		}
		if err != nil && len(text) > 30 && strings.Contains(err.Error(), text) {
			t.Errorf("the error quotes the token: %v", err)
		}
	})
}

// ask sends a request with the right secret.
func (o *offered) ask(t *testing.T, c *http.Client, csr []byte) int {
	t.Helper()
	body, err := json.Marshal(enroll.Request{Secret: o.token.Secret(), CSR: csr})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+o.address+"/v1/enroll", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// anyServer does not look at certificates.
func anyServer() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
}
