package testenv

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// GoogleAccount is a service account whose tokens come from a server of the test.
type GoogleAccount struct {
	Email string
	File  string // the text of its JSON file
	Token string // the access token that it gets
}

// NewGoogleAccount makes a service account. The token server gives it a token when the signature of its request is right,
// as Google's does.
func NewGoogleAccount(t testing.TB) *GoogleAccount {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a := &GoogleAccount{Email: "backup@test.iam.gserviceaccount.com", Token: "token-" + rand.Text()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.verify(r.FormValue("assertion"), &key.PublicKey); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant", "error_description": err.Error()})
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": a.Token, "token_type": "Bearer", "expires_in": 3600})
	}))
	t.Cleanup(server.Close)
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "test", "private_key_id": "1", "client_id": "1", "client_email": a.Email,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": server.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	a.File = string(text)
	return a
}

// WriteFile writes the account's file and returns its path.
func (a *GoogleAccount) WriteFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(Dir(t), "account.json")
	if err := os.WriteFile(path, []byte(a.File), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// verify checks a signed request for a token (RFC 7523).
func (a *GoogleAccount) verify(assertion string, key *rsa.PublicKey) error {
	head, signature, ok := cutLast(assertion, ".")
	if !ok {
		return fmt.Errorf("no assertion")
	}
	sum := sha256.Sum256([]byte(head))
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return err
	}
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw); err != nil {
		return err
	}
	_, body, _ := strings.Cut(head, ".")
	text, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return err
	}
	var claims struct {
		Issuer string `json:"iss"`
		Scope  string `json:"scope"`
		Until  int64  `json:"exp"`
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		return err
	}
	if claims.Issuer != a.Email || claims.Scope == "" || time.Unix(claims.Until, 0).Before(time.Now()) {
		return fmt.Errorf("claims %+v", claims)
	}
	return nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
