package azure_test

import (
	"maps"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// S3: what a job sets for its blobs is what the service has of them, over HTTPS with an authority of one's own and through a
// proxy.
func TestBlobSettings(t *testing.T) {
	a, caFile := testenv.SecureAzurite(t)
	container, client := a.Container(t)
	proxy := testenv.NewWebProxy(t)
	config := settings(a, container)
	maps.Copy(config, map[string]any{"ca_file": caFile, "proxy": proxy.URL, "tier": "cool", "bandwidth": "100MiB",
		"metadata": map[string]string{"owner": "dba"}, "tags": map[string]string{"team": "dba + more"}})
	s := open(t, config)
	if _, err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), begin(t, s, "db/Data.zip"), 4); err != nil {
		t.Fatal(err)
	}
	blob := client.NewBlobClient("mysql/db/Data.zip")
	p, err := blob.GetProperties(t.Context(), nil)
	if err != nil || *p.AccessTier != "Cool" || *p.TagCount != 1 {
		t.Fatalf("properties: %+v, error %v", p, err)
	}
	owner := ""
	for name, value := range p.Metadata {
		if name == "owner" || name == "Owner" {
			owner = *value
		}
	}
	tags, err := blob.GetTags(t.Context(), nil)
	if err != nil || owner != "dba" || len(tags.BlobTagSet) != 1 || *tags.BlobTagSet[0].Value != "dba + more" {
		t.Errorf("owner %q, tags %+v, error %v", owner, tags, err)
	}
	if len(proxy.Asked()) == 0 {
		t.Error("the proxy was not asked")
	}
	delete(config, "ca_file")
	if _, err := open(t, config).Check(t.Context()); !errs.Is(err, errs.Permanent) {
		t.Errorf("with an unknown authority: %v", err)
	}
}
