package gcs_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// S3: what a job sets for its objects is what the service is told when it joins the chunks. The emulator takes much of it for
// granted, so a front reads what is sent; chunks themselves stay in the class STANDARD.
func TestObjectSettings(t *testing.T) {
	g, account := testenv.StartGCS(t), testenv.NewGoogleAccount(t)
	front := testenv.NewFront(t, g.Addr)
	var query url.Values
	var request struct {
		Destination struct {
			StorageClass string
			Metadata     map[string]string
		}
	}
	front.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/compose") {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				err = json.Unmarshal(body, &request)
			}
			if err != nil {
				t.Error(err)
			}
			query, r.Body = r.URL.Query(), io.NopCloser(bytes.NewReader(body))
		}
		return false
	}
	const key = "projects/acme/locations/eu/keyRings/backup/cryptoKeys/mysql"
	c := settings(g.Behind(front.Addr), account, g.Bucket(t))
	c["storage_class"], c["kms_key"], c["user_project"] = "NEARLINE", key, "acme-backup"
	c["metadata"], c["bandwidth"] = map[string]string{"owner": "dba"}, "100MiB"
	s := open(t, c)
	if _, err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	store(t, s, "db/Data.zip", 2)
	if d := request.Destination; d.StorageClass != "NEARLINE" || d.Metadata["owner"] != "dba" {
		t.Errorf("the service is told %+v", d)
	}
	if query.Get("kmsKeyName") != key || query.Get("userProject") != "acme-backup" || query.Get("ifGenerationMatch") != "0" {
		t.Errorf("the service is told %v", query)
	}
}
