package gcs_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// tokens stands in for Google's token services: that of a machine's metadata, and that which trades the token of a cluster.
type tokens struct {
	url     string
	cluster *testenv.Issuer
}

const (
	machineToken  = "token-of-the-machine"
	workloadToken = "token-of-the-workload"
	pool          = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/cluster"
)

func newTokens(t *testing.T) tokens {
	t.Helper()
	k := tokens{cluster: testenv.NewIssuer(t)}
	answer := func(w http.ResponseWriter, status int, body any) {
		w.Header().Set("Metadata-Flavor", "Google")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /computeMetadata/v1/instance/service-accounts/default/token", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Metadata-Flavor") != "Google" {
			answer(w, http.StatusForbidden, nil)
			return
		}
		answer(w, http.StatusOK, map[string]any{"access_token": machineToken, "token_type": "Bearer", "expires_in": 3600})
	})
	mux.HandleFunc("POST /sts", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("audience") != pool || !k.cluster.Verify(r.FormValue("subject_token")) {
			answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant",
				"error_description": "the subject token is not valid"})
			return
		}
		answer(w, http.StatusOK, map[string]any{"access_token": workloadToken, "token_type": "Bearer", "expires_in": 3600,
			"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	k.url = server.URL
	return k
}

// federation is the file of workload identity federation, with a token that an issuer has signed.
func (k tokens) federation(t *testing.T, by *testenv.Issuer) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(by.Token(t, pool, time.Hour, nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"type": "external_account", "audience": pool, "token_url": k.url + "/sts",
		"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "credential_source": map[string]string{"file": path}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// S3: every way to be somebody ends with the right access token at the service; it takes no other.
func TestCredentials(t *testing.T) {
	g, account, k := testenv.StartGCS(t), testenv.NewGoogleAccount(t), newTokens(t)
	bucket := g.Bucket(t)
	for name, c := range map[string]struct {
		environment, config map[string]string
		token               string
	}{
		"file":               {nil, map[string]string{"credentials_file": account.WriteFile(t)}, account.Token},
		"text":               {nil, map[string]string{"credentials": account.File}, account.Token},
		"default: a file":    {map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": account.WriteFile(t)}, nil, account.Token},
		"default: a machine": {map[string]string{"GCE_METADATA_HOST": strings.TrimPrefix(k.url, "http://")}, nil, machineToken},
		"a workload":         {nil, map[string]string{"credentials": k.federation(t, k.cluster)}, workloadToken},
	} {
		t.Run(name, func(t *testing.T) {
			front := testenv.NewFront(t, g.Addr)
			front.Before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Authorization") == "Bearer "+c.token {
					return false
				}
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			config := settings(g.Behind(front.Addr), account, bucket)
			delete(config, "credentials")
			for name, value := range c.config {
				config[name] = value
			}
			t.Setenv("HOME", t.TempDir()) // nothing of gcloud's
			for name, value := range c.environment {
				t.Setenv(name, value)
			}
			if _, err := open(t, config).Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// R2.4: who is not believed is named, with the reason, and is not told to lack a permission. Nothing secret is shown.
func TestCredentialsRefused(t *testing.T) {
	g, account, k := testenv.StartGCS(t), testenv.NewGoogleAccount(t), newTokens(t)
	bucket := g.Bucket(t)
	other := testenv.NewGoogleAccount(t)
	mixed := strings.Replace(other.File, tokenURI(t, other), tokenURI(t, account), 1) // its key is not the one that is known there
	front := testenv.NewFront(t, g.Addr)
	front.Before = func(w http.ResponseWriter, _ *http.Request) bool { // as the service answers to a token that has expired
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error": {"code": 401, "message": "Invalid Credentials", "errors": [{"reason": "authError"}]}}`))
		return true
	}
	for name, c := range map[string]struct {
		addr, credentials string
		says              []string
	}{
		"key of another": {g.Addr, mixed, []string{"invalid_grant", "asked as service account " + account.Email}},
		"token of another cluster": {g.Addr, k.federation(t, testenv.NewIssuer(t)),
			[]string{"subject token is not valid", "asked as a workload of " + pool}},
		"token that has expired": {front.Addr, account.File,
			[]string{"Invalid Credentials", "asked as service account " + account.Email}},
	} {
		t.Run(name, func(t *testing.T) {
			config := settings(g.Behind(c.addr), account, bucket)
			config["credentials"] = c.credentials
			_, err := open(t, config).Check(t.Context())
			if !errs.Is(err, errs.Permission) || strings.Contains(err.Error(), "is missing") || strings.Contains(err.Error(), "PRIVATE") {
				t.Fatalf("error %v of kind %q", err, errs.KindOf(err))
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error %v does not say %q", err, text)
				}
			}
		})
	}
}

func tokenURI(t *testing.T, a *testenv.GoogleAccount) string {
	t.Helper()
	var file struct {
		URI string `json:"token_uri"`
	}
	if err := json.Unmarshal([]byte(a.File), &file); err != nil {
		t.Fatal(err)
	}
	return file.URI
}
