package testenv

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// Entra stands in for the service that proves identities in Azure, and for the endpoint at which a machine asks for its own:
// it gives tokens to those who know the secret, in the words of the real ones. Azurite takes these tokens over HTTPS.
type Entra struct {
	URL     string // https: the authority's host
	CAFile  string // vouches for it
	Tenant  string
	Client  string  // an application
	Secret  string  // of the application
	Cluster *Issuer // whose tokens for the application are trusted

	Machine string        // http: IDENTITY_ENDPOINT
	Header  string        // IDENTITY_HEADER
	Valid   time.Duration // how long tokens are valid; may be over
}

// NewEntra starts it; it ends with the test.
func NewEntra(t testing.TB) *Entra {
	t.Helper()
	e := &Entra{Tenant: "11111111-2222-3333-4444-555555555555", Client: "66666666-7777-8888-9999-aaaaaaaaaaaa",
		Secret: "secret-of-the-application", Header: "header-of-the-machine", Valid: time.Hour, Cluster: NewIssuer(t)}
	signer := NewIssuer(t)
	token := func() map[string]any {
		return map[string]any{"token_type": "Bearer", "expires_in": 3600, "expires_on": time.Now().Add(time.Hour).Unix(),
			"resource": "https://storage.azure.com", "access_token": signer.Token(t, "https://storage.azure.com", e.Valid,
				map[string]any{"iss": "https://sts.windows.net/" + e.Tenant + "/", "oid": "backup"})}
	}
	authority := http.NewServeMux()
	authority.HandleFunc("GET /"+e.Tenant+"/v2.0/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		at := e.URL + "/" + e.Tenant
		reply(w, http.StatusOK, map[string]any{"issuer": at + "/v2.0", "authorization_endpoint": at + "/oauth2/v2.0/authorize",
			"token_endpoint": at + "/oauth2/v2.0/token"})
	})
	authority.HandleFunc("POST /"+e.Tenant+"/oauth2/v2.0/token", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("client_id") != e.Client || !e.proved(r) {
			reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client",
				"error_description": "AADSTS7000215: Invalid client secret or assertion provided."})
			return
		}
		reply(w, http.StatusOK, token())
	})
	secure := httptest.NewTLSServer(authority)
	t.Cleanup(secure.Close)
	e.URL = secure.URL
	e.CAFile, _ = Certificate(t, Dir(t), "ca.pem", "key.pem")
	machine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Identity-Header") != e.Header || r.FormValue("client_id") != "" && r.FormValue("client_id") != e.Client {
			reply(w, http.StatusBadRequest, map[string]any{"statusCode": 400, "message": "no such identity"})
			return
		}
		reply(w, http.StatusOK, token())
	}))
	t.Cleanup(machine.Close)
	e.Machine = machine.URL
	return e
}

// proved reports whether a request knows the secret, or shows a token of the cluster.
func (e *Entra) proved(r *http.Request) bool {
	if word := r.PostFormValue("client_secret"); word != "" {
		return subtle.ConstantTimeCompare([]byte(word), []byte(e.Secret)) == 1
	}
	return e.Cluster.Verify(r.PostFormValue("client_assertion"))
}

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// SecureAzurite starts an Azurite that speaks HTTPS and takes tokens of identities besides keys.
func SecureAzurite(t testing.TB) (a *AzuriteServer, caFile string) {
	t.Helper()
	cert, key := Certificate(t, Dir(t), "cert.pem", "key.pem")
	return StartAzurite(t, "--oauth", "basic", "--cert", cert, "--key", key), cert
}
