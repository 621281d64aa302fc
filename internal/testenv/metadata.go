package testenv

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// RoleKeys are temporary keys of a role.
type RoleKeys struct {
	AccessKey, SecretKey, SessionToken string
	Expires                            time.Time
}

// Metadata is what a machine in Amazon's cloud finds at its metadata address, in the words of IMDSv2, and a container at the
// address of its agent: the keys of its role. The keys themselves are real ones, from the service that takes them.
type Metadata struct {
	URL   string // AWS_EC2_METADATA_SERVICE_ENDPOINT; with /container it is AWS_CONTAINER_CREDENTIALS_FULL_URI
	Token string // what a container has to show
}

// NewMetadata starts it; it ends with the test. keys is asked every time.
func NewMetadata(t testing.TB, role string, keys func() RoleKeys) *Metadata {
	t.Helper()
	m := &Metadata{Token: rand.Text()}
	session := rand.Text()
	answer := func(w http.ResponseWriter) {
		k := keys()
		_ = json.NewEncoder(w).Encode(map[string]string{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": k.AccessKey,
			"SecretAccessKey": k.SecretKey, "Token": k.SessionToken, "Expiration": k.Expires.UTC().Format(time.RFC3339)})
	}
	only := func(header, value string, f http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(header) != value {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			f(w, r)
		}
	}
	const imds = "/latest/meta-data/iam/security-credentials/"
	tokenHeader := "X-Aws-Ec2-Metadata-Token"
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(tokenHeader+"-Ttl-Seconds", r.Header.Get(tokenHeader+"-Ttl-Seconds"))
		_, _ = w.Write([]byte(session))
	})
	mux.HandleFunc("GET "+imds+"{$}", only(tokenHeader, session, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(role))
	}))
	mux.HandleFunc("GET "+imds+role, only(tokenHeader, session, func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
	mux.HandleFunc("GET /container", only("Authorization", m.Token, func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	m.URL = server.URL
	return m
}
