package hcl_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/seal"
	"github.com/drydock-backup/drydock/hcl"
	"github.com/drydock-backup/drydock/sdk/schema"
)

var update = flag.Bool("update", false, "write the golden files")

// The configurations below have the shape of the built-in providers, so that these tests need no plugin.
type (
	fileConfig struct {
		Path string `hcl:"path" doc:"Directory that holds the backups." example:"/mnt/nas/backups"`
		Mode string `hcl:"mode,optional" doc:"Mode of new files." default:"0600"`
		Sync string `hcl:"sync,optional" doc:"When to flush." oneof:"always|never" default:"always"`
	}
	objectConfig struct {
		Bucket    string            `hcl:"bucket" doc:"Bucket that holds the backups."`
		Secret    schema.Secret     `hcl:"secret_key,optional" doc:"Secret key."`
		PartSize  schema.Size       `hcl:"part_size,optional" doc:"Size of a part." default:"16MiB"`
		Timeout   time.Duration     `hcl:"timeout,optional" doc:"How long a request may take." default:"1m"`
		Retries   int               `hcl:"retries,optional" doc:"How often." default:"3"`
		PathStyle bool              `hcl:"path_style,optional" doc:"Bucket in the path."`
		Tags      map[string]string `hcl:"tags,optional" doc:"Tags of every object."`
		Regions   []string          `hcl:"regions,optional" doc:"Regions." oneof:"eu|us"`
	}
	levelConfig struct {
		Level string `hcl:"level,optional" doc:"Speed or size." oneof:"fastest|default|better|best" default:"fastest"`
	}
	deflateConfig struct {
		Level string `hcl:"level,optional" doc:"How hard to try." oneof:"fastest|default|best" default:"fastest"`
	}
	storeConfig   struct{}
	webhookConfig struct {
		URL     schema.Secret     `hcl:"url" doc:"Where the event is posted." example:"https://hooks.example.com/drydock"`
		Headers map[string]string `hcl:"headers,optional" doc:"More headers." sensitive:"true"`
		Timeout time.Duration     `hcl:"timeout,optional" doc:"How long a request may take." default:"10s"`
	}
)

// staticSchemas is a SchemaSource of fixed schemas.
type staticSchemas map[string]map[string]*schema.Schema

func (s staticSchemas) Schema(_ context.Context, kind, name string) (*schema.Schema, error) {
	if sc := s[kind][name]; sc != nil {
		return sc, nil
	}
	unknown := &schema.UnknownProviderError{Kind: kind, Name: name}
	for known := range s[kind] {
		unknown.Known = append(unknown.Known, known)
	}
	return nil, fmt.Errorf("look up provider: %w", unknown)
}

func testSchemas(t testing.TB) staticSchemas {
	t.Helper()
	of := func(prototype any) *schema.Schema {
		sc, err := schema.Of(prototype)
		if err != nil {
			t.Fatal(err)
		}
		return sc
	}
	return staticSchemas{
		hcl.KindStorage:  {"file": of(fileConfig{}), "object": of(objectConfig{})},
		hcl.KindCompress: {"zstd": of(levelConfig{}), "deflate": of(deflateConfig{}), "store": of(storeConfig{})},
		hcl.KindNotify:   {"webhook": of(webhookConfig{})},
	}
}

// testLoader reads no environment but the one given here.
func testLoader(t testing.TB, environment map[string]string) *hcl.Loader {
	t.Helper()
	return &hcl.Loader{
		Schemas: testSchemas(t),
		Host:    "backup-host",
		CheckRecipient: func(text string) error {
			_, err := seal.ParseRecipient(text)
			return err
		},
		Getenv: func(name string) (string, bool) {
			v, ok := environment[name]
			return v, ok
		},
	}
}
