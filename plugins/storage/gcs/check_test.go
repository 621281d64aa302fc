package gcs_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/gcs"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// R2.4: the check leaves nothing behind, and names the permission that is missing. The emulator knows no permissions, so a
// front refuses what an account may not do, as the service words it.
func TestCheck(t *testing.T) {
	g, account := testenv.StartGCS(t), testenv.NewGoogleAccount(t)
	bucket := g.Bucket(t)
	for permission, denied := range map[string]func(r *http.Request) bool{
		"": func(*http.Request) bool { return false },
		"storage.objects.list": func(r *http.Request) bool {
			return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/o")
		},
		"storage.objects.get": func(r *http.Request) bool {
			return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/o/")
		},
		"storage.objects.create": func(r *http.Request) bool { return r.Method == http.MethodPost },
		"storage.objects.delete": func(r *http.Request) bool { return r.Method == http.MethodDelete },
	} {
		t.Run("without "+permission, func(t *testing.T) {
			front := testenv.NewFront(t, g.Addr)
			front.Before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Authorization") != "Bearer "+account.Token || denied(r) {
					w.WriteHeader(http.StatusForbidden)
					return true
				}
				return false
			}
			s := open(t, settings(g.Behind(front.Addr), account, bucket))
			_, err := s.Check(t.Context())
			if permission != "" {
				if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), "permission "+permission+" is missing") {
					t.Errorf("error %v of kind %s", err, errs.KindOf(err))
				}
				return
			}
			if err != nil {
				t.Error(err)
			}
			if err := s.List(t.Context(), "", func(o storage.Object) error { return errors.New(o.Key) }); err != nil {
				t.Errorf("the check left something: %v", err)
			}
		})
	}
}

// R2.4: mistakes of a configuration are found without the service, each at its attribute.
func TestConfig(t *testing.T) {
	for attribute, change := range map[string]func(c *gcs.Config){
		"bucket":           func(c *gcs.Config) { c.Bucket = "A" },
		"prefix":           func(c *gcs.Config) { c.Prefix = "../x" },
		"endpoint":         func(c *gcs.Config) { c.Endpoint = "nowhere" },
		"credentials":      func(c *gcs.Config) { c.Credentials = "{" },
		"credentials_file": func(c *gcs.Config) { c.CredentialsFile = "/no/such/file" },
		"impersonate":      func(c *gcs.Config) { c.Impersonate = "nobody" },
		"delegates":        func(c *gcs.Config) { c.Delegates = []string{"a@b"} },
		"kms_key":          func(c *gcs.Config) { c.KMSKey = "key" },
		"metadata":         func(c *gcs.Config) { c.Metadata = map[string]string{"drydock-upload": "x"} },
		"abandoned_after":  func(c *gcs.Config) { c.AbandonedAfter = time.Minute },
	} {
		t.Run(attribute, func(t *testing.T) {
			c := gcs.Config{Bucket: "acme-backups", AbandonedAfter: 24 * time.Hour}
			c.ConnectTimeout, c.StallTimeout, c.ResponseTimeout = time.Minute, time.Minute, time.Minute
			change(&c)
			_, err := gcs.New(t.Context(), c)
			diags, _ := schema.Diagnostics(err)
			if len(diags) == 0 || len(diags[0].Path) == 0 || diags[0].Path[0] != attribute {
				t.Errorf("error %v; want a diagnostic at %s", err, attribute)
			}
		})
	}
}
