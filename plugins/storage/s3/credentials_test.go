package s3_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// Credentials come from wherever users of the cloud keep them.
func TestCredentials(t *testing.T) {
	server := testenv.MinIO(t)
	bucket := server.Bucket(t, false)
	keys := filepath.Join(t.TempDir(), "credentials")
	text := fmt.Sprintf("[backup]\naws_access_key_id = %s\naws_secret_access_key = %s\n", server.AccessKey, server.SecretKey)
	if err := os.WriteFile(keys, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	bare := map[string]any{"endpoint": server.Endpoint, "path_style": true, "bucket": bucket}
	with := func(more map[string]any) map[string]any {
		c := map[string]any{}
		for _, m := range []map[string]any{bare, more} {
			for name, value := range m {
				c[name] = value
			}
		}
		return c
	}
	// Nothing of this machine's own.
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))

	t.Run("environment", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
		t.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
		if _, err := checkOf(t, open(t, bare)); err != nil {
			t.Error(err)
		}
	})
	t.Run("profile", func(t *testing.T) {
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", keys)
		if _, err := checkOf(t, open(t, with(map[string]any{"profile": "backup"}))); err != nil {
			t.Error(err)
		}
	})
	t.Run("role", func(t *testing.T) {
		c := config(server, bucket, map[string]any{"role_arn": "arn:aws:iam::111122223333:role/drydock", "sts_endpoint": server.Endpoint})
		if _, err := checkOf(t, open(t, c)); err != nil {
			t.Error(err)
		}
	})
	t.Run("web identity", func(t *testing.T) { webIdentity(t, server, bucket, with) })
	t.Run("none", func(t *testing.T) {
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
		_, err := checkOf(t, open(t, bare))
		if err == nil || !strings.Contains(err.Error(), "find credentials") {
			t.Errorf("error %v", err)
		}
	})
}

// webIdentity has a token service that trades the token in the file for keys which MinIO has made for a role.
func webIdentity(t *testing.T, server *testenv.S3, bucket string, with func(map[string]any) map[string]any) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("token-of-the-test"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := documented(t, bucket)
	p.Statement[1].Resource = "arn:aws:s3:::" + bucket + "/*"
	c := limited(t, server, p)
	front := testenv.NewFront(t, server.Addr)
	front.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.FormValue("Action") != "AssumeRoleWithWebIdentity" || r.FormValue("WebIdentityToken") != "token-of-the-test" {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>%s</AccessKeyId>`+
			`<SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials>`+
			`</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
			*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		return true
	}
	store := open(t, with(map[string]any{"role_arn": "arn:aws:iam::111122223333:role/drydock",
		"web_identity_token_file": token, "sts_endpoint": "http://" + front.Addr}))
	if _, err := checkOf(t, store); err != nil {
		t.Error(err)
	}
}
