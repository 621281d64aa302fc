package azure_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// identities is an Azurite that takes tokens, and who gives them.
type identities struct {
	azurite   *testenv.AzuriteServer
	entra     *testenv.Entra
	container string
	caFile    string
}

func newIdentities(t *testing.T) identities {
	t.Helper()
	i := identities{entra: testenv.NewEntra(t)}
	i.azurite, i.caFile = testenv.SecureAzurite(t)
	i.container, _ = i.azurite.Container(t)
	return i
}

// bare configures the container without any credentials.
func (i identities) bare(more map[string]any) map[string]any {
	c := settings(i.azurite, i.container)
	delete(c, "account_key")
	c["ca_file"] = i.caFile
	maps.Copy(c, more)
	return c
}

// environment is what an identity finds there: nothing of this machine's own.
func environment(t *testing.T, more map[string]string) {
	t.Helper()
	for _, name := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_AUTHORITY_HOST",
		"AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"} {
		t.Setenv(name, "") // so that it comes back
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AZURE_CONFIG_DIR", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	for name, value := range more {
		t.Setenv(name, value)
	}
}

// assertion writes the token that a cluster gives a workload.
func (i identities) assertion(t *testing.T, by *testenv.Issuer) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(by.Token(t, "api://AzureADTokenExchange", time.Hour, nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// S3: every way to be somebody, up to an answer of Azurite, which takes the tokens of identities over HTTPS.
func TestIdentities(t *testing.T) {
	i := newIdentities(t)
	t.Run("taken", i.taken)
	t.Run("refused", i.refused)
	t.Run("expired", i.expired)
}

func (i identities) taken(t *testing.T) {
	e := i.entra
	machine := map[string]string{"IDENTITY_ENDPOINT": e.Machine, "IDENTITY_HEADER": e.Header}
	for name, c := range map[string]struct {
		environment map[string]string
		config      map[string]any
	}{
		"application": {nil, map[string]any{"tenant_id": e.Tenant, "client_id": e.Client, "client_secret": e.Secret,
			"authority_host": e.URL}},
		"application of the environment": {map[string]string{"AZURE_TENANT_ID": e.Tenant, "AZURE_CLIENT_ID": e.Client,
			"AZURE_CLIENT_SECRET": e.Secret, "AZURE_AUTHORITY_HOST": e.URL}, nil},
		"managed identity":               {machine, map[string]any{"credential": "managed-identity"}},
		"user-assigned managed identity": {machine, map[string]any{"credential": "managed-identity", "client_id": e.Client}},
		"managed identity of the chain":  {machine, nil},
		"workload identity": {nil, map[string]any{"credential": "workload-identity", "tenant_id": e.Tenant, "client_id": e.Client,
			"token_file": i.assertion(t, e.Cluster), "authority_host": e.URL}},
		"workload identity of the chain": {map[string]string{"AZURE_TENANT_ID": e.Tenant, "AZURE_CLIENT_ID": e.Client,
			"AZURE_FEDERATED_TOKEN_FILE": i.assertion(t, e.Cluster), "AZURE_AUTHORITY_HOST": e.URL}, nil},
		"connection string": {nil, map[string]any{"endpoint": "", "connection_string": fmt.Sprintf(
			"DefaultEndpointsProtocol=https;AccountName=%s;AccountKey=%s;BlobEndpoint=%s;",
			testenv.AzuriteAccount, testenv.AzuriteKey, i.azurite.Endpoint)}},
		"account key": {nil, map[string]any{"account_key": testenv.AzuriteKey}},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.environment)
			if _, err := open(t, i.bare(c.config)).Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// refused: an identity that is not taken is named, with the reason, and is not told to lack a permission. Nothing secret is
// shown (R2.4).
func (i identities) refused(t *testing.T) {
	e := i.entra
	const secret = "d3JvbmcgYWNjb3VudCBrZXkgb2YgdGhlIHRlc3Q="
	expired := signedUntil(t, i.azurite, i.container, "racwdl", time.Now().Add(-time.Minute))["sas_token"]
	for name, c := range map[string]struct {
		environment map[string]string
		config      map[string]any
		says        []string
	}{
		"wrong key": {nil, map[string]any{"account_key": secret}, []string{"asked as the key of account " + testenv.AzuriteAccount}},
		"wrong secret of an application": {nil, map[string]any{"tenant_id": e.Tenant, "client_id": e.Client, "client_secret": secret,
			"authority_host": e.URL}, []string{"AADSTS7000215", "asked as application " + e.Client + " of tenant " + e.Tenant}},
		"token of another cluster": {nil, map[string]any{"credential": "workload-identity", "tenant_id": e.Tenant,
			"client_id":  e.Client,
			"token_file": i.assertion(t, testenv.NewIssuer(t)), "authority_host": e.URL},
			[]string{"AADSTS7000215", "the workload's identity " + e.Client}},
		"unknown managed identity": {map[string]string{"IDENTITY_ENDPOINT": e.Machine, "IDENTITY_HEADER": e.Header},
			map[string]any{"credential": "managed-identity", "client_id": "somebody"},
			[]string{"no such identity", "managed identity somebody"}},
		"signature that has expired": {nil, map[string]any{"sas_token": expired},
			[]string{`permissions "racwdl", which has expired on `}},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.environment)
			_, err := open(t, i.bare(c.config)).Check(t.Context())
			if !errs.Is(err, errs.Permission) || strings.Contains(err.Error(), "is missing") {
				t.Fatalf("error %v of kind %q", err, errs.KindOf(err))
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error %v does not say %q", err, text)
				}
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "sig=") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// expired: a token that the service does not take any more, for its time is over.
func (i identities) expired(t *testing.T) {
	e := i.entra
	e.Valid = -30 * time.Minute
	environment(t, nil)
	_, err := open(t, i.bare(map[string]any{"tenant_id": e.Tenant, "client_id": e.Client, "client_secret": e.Secret,
		"authority_host": e.URL})).Check(t.Context())
	if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), "asked as application "+e.Client) ||
		strings.Contains(err.Error(), "is missing") {
		t.Errorf("error %v of kind %q", err, errs.KindOf(err))
	}
}
