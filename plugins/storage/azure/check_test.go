package azure_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/azure"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// signed configures the provider with a shared access signature for a container.
func signed(t *testing.T, a *testenv.AzuriteServer, container, permissions string) map[string]any {
	t.Helper()
	return signedUntil(t, a, container, permissions, time.Now().Add(24*time.Hour))
}

func signedUntil(t *testing.T, a *testenv.AzuriteServer, container, permissions string, until time.Time) map[string]any {
	t.Helper()
	key, err := service.NewSharedKeyCredential(testenv.AzuriteAccount, testenv.AzuriteKey)
	if err != nil {
		t.Fatal(err)
	}
	token, err := sas.BlobSignatureValues{
		Protocol: sas.ProtocolHTTPSandHTTP, StartTime: time.Now().Add(-time.Hour), ExpiryTime: until,
		Permissions: permissions, ContainerName: container,
	}.SignWithSharedKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := settings(a, container)
	delete(c, "account_key")
	c["sas_token"] = "?" + token.Encode()
	return c
}

// R2.4: the check names the permission that is missing, and takes append-only for what it is.
func TestCheck(t *testing.T) {
	a := testenv.StartAzurite(t)
	container, _ := a.Container(t)
	for _, c := range []struct{ name, permissions, missing, note string }{
		{"all that is needed", "racwdl", "", ""},
		{"nothing can be deleted", "racwl", "", "not deleted"},
		{"nothing can be listed", "racwd", "permission to list is missing", ""},
		{"nothing can be read", "acwdl", "permission to read is missing", ""},
		{"nothing can be written", "rdl", "permission to write is missing", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, signed(t, a, container, c.permissions))
			got, err := s.Check(t.Context())
			if c.missing != "" {
				if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), c.missing) || strings.Contains(err.Error(), "sig=") {
					t.Errorf("error %v of kind %s; want %q", err, errs.KindOf(err), c.missing)
				}
				return
			}
			if err != nil || !strings.Contains(strings.Join(got.Notes, "\n"), c.note) || got.Limits.MaxChunks != 50000 {
				t.Errorf("%+v, error %v", got, err)
			}
			if err := s.List(t.Context(), "", func(o storage.Object) error { return errors.New(o.Key) }); err != nil {
				t.Errorf("the check left something: %v", err)
			}
		})
	}
}

// R2.4: what is wrong is told for what it is, and no error holds a secret.
func TestCheckOfWrongPlaces(t *testing.T) {
	a := testenv.StartAzurite(t)
	container, _ := a.Container(t)
	wrong := "d3JvbmcgYWNjb3VudCBrZXkgb2YgdGhlIHRlc3Q="
	for name, c := range map[string]struct {
		change map[string]any
		kind   errs.Kind
	}{
		"no such container": {map[string]any{"container": "missing"}, errs.NotFound},
		"wrong key":         {map[string]any{"account_key": wrong}, errs.Permission},
		"nobody listens":    {map[string]any{"endpoint": "http://127.0.0.1:1/devstoreaccount1"}, errs.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			config := settings(a, container)
			for key, value := range c.change {
				config[key] = value
			}
			_, err := open(t, config).Check(t.Context())
			if !errs.Is(err, c.kind) || strings.Contains(err.Error(), wrong) || strings.Contains(err.Error(), testenv.AzuriteKey) {
				t.Errorf("error %v of kind %s; want %s", err, errs.KindOf(err), c.kind)
			}
		})
	}
}

// R2.4: mistakes of a configuration are found without the service, each at its attribute.
func TestConfig(t *testing.T) {
	for attribute, change := range map[string]func(c *azure.Config){
		"account":           func(c *azure.Config) { c.Account = "Acme" },
		"container":         func(c *azure.Config) { c.Container = "a--b" },
		"prefix":            func(c *azure.Config) { c.Prefix = "/abs" },
		"endpoint":          func(c *azure.Config) { c.Endpoint = "https://x/?sig=1" },
		"authority_host":    func(c *azure.Config) { c.AuthorityHost = "http://x" },
		"sas_token":         func(c *azure.Config) { c.SASToken = "nonsense" },
		"account_key":       func(c *azure.Config) { c.AccountKey = "no base64!" },
		"connection_string": func(c *azure.Config) { c.ConnectionString = "nonsense" },
		"client_secret":     func(c *azure.Config) { c.ClientSecret = "secret" },
		"credential":        func(c *azure.Config) { c.AccountKey, c.Credential = "a2V5", "azure-cli" },
		"metadata":          func(c *azure.Config) { c.Metadata = map[string]string{"a-b": "x"} },
		"tags":              func(c *azure.Config) { c.Tags = map[string]string{"a?": "x"} },
		"abandoned_after":   func(c *azure.Config) { c.AbandonedAfter = time.Minute },
		"bandwidth":         func(c *azure.Config) { c.Bandwidth = 1 },
	} {
		t.Run(attribute, func(t *testing.T) {
			c := azure.Config{Account: "acme", Container: "backups", Credential: "default", AbandonedAfter: 24 * time.Hour}
			c.ConnectTimeout, c.StallTimeout, c.ResponseTimeout = time.Minute, time.Minute, time.Minute
			change(&c)
			_, err := azure.New(c)
			diags, _ := schema.Diagnostics(err)
			if len(diags) == 0 || len(diags[0].Path) == 0 || diags[0].Path[0] != attribute {
				t.Errorf("error %v; want a diagnostic at %s", err, attribute)
			}
		})
	}
}
