package testenv

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// Issuer signs OpenID Connect tokens, as a cluster or an identity service does. Servers fetch its keys over HTTP.
type Issuer struct {
	URL string
	key *rsa.PrivateKey
}

// issuerKey is the name of the issuer's only key.
const issuerKey = "key-of-the-test"

// NewIssuer starts an issuer that ends with the test.
func NewIssuer(t testing.TB) *Issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &Issuer{key: key}
	mux := http.NewServeMux()
	answer := func(path string, what func() any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(what())
		})
	}
	answer("/.well-known/openid-configuration", func() any {
		return map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "token_endpoint": i.URL + "/token",
			"authorization_endpoint": i.URL + "/authorize", "id_token_signing_alg_values_supported": []string{"RS256"}}
	})
	answer("/keys", func() any {
		return map[string]any{"keys": []any{map[string]string{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": issuerKey,
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())}}}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Token signs a token for an audience that is valid for some time (which may be over), with more claims.
func (i *Issuer) Token(t testing.TB, audience string, valid time.Duration, more map[string]any) string {
	t.Helper()
	now := time.Now()
	claims := map[string]any{"iss": i.URL, "sub": "drydock", "aud": audience, "iat": now.Add(-time.Hour).Unix(),
		"nbf": now.Add(-time.Hour).Unix(), "exp": now.Add(valid).Unix()}
	for name, value := range more {
		claims[name] = value
	}
	text := encodeJSON(t, map[string]string{"alg": "RS256", "typ": "JWT", "kid": issuerKey}) + "." + encodeJSON(t, claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// Verify reports whether the issuer has signed a token.
func (i *Issuer) Verify(token string) bool {
	signed, signature, ok := cutLast(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	sum := sha256.Sum256([]byte(signed))
	return ok && err == nil && rsa.VerifyPKCS1v15(&i.key.PublicKey, crypto.SHA256, sum[:], raw) == nil
}

func encodeJSON(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
