package s3

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/transport"
)

// Limits of S3.
const (
	minPart  = 5 << 20 // bytes of every part but the last
	maxPart  = 5 << 30
	maxParts = 10_000
	// maxObject is what maxParts parts of maxPart bytes make, and Amazon takes.
	maxObject = maxParts * maxPart
)

// Provider returns the storage "s3".
func Provider() storage.Provider {
	p := storage.NewProvider("s3", "1.0.0",
		"Keeps backups in a bucket of Amazon S3 or of a service that speaks its protocol (MinIO, Ceph, Versity). "+
			"docs/admin/storage-s3.md has the policy that drydock needs.",
		func(ctx context.Context, cfg *Config) (storage.Storage, error) { return New(ctx, *cfg) })
	p.Environment = environment()
	return p
}

// environment lists what the AWS SDK reads when it looks for credentials and settings.
func environment() []string {
	return []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL",
		"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
	}
}

// Storage keeps objects in a bucket. It is safe for concurrent use, and so is one bucket for several processes.
type Storage struct {
	cfg    Config
	client *s3.Client
	way    *transport.Transport
	sweep  sync.Once // of abandoned uploads
}

// The compiler holds the optional abilities.
var (
	_ storage.Storage = (*Storage)(nil)
	_ storage.Checker = (*Storage)(nil)
	_ storage.Holder  = (*Storage)(nil)
)

// New returns the storage for a configuration. Mistakes in it are errors that point at the attribute. The service is asked
// nothing yet.
func New(ctx context.Context, c Config) (*Storage, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	way, err := transport.New(c.Settings)
	if err != nil {
		return nil, err
	}
	client, err := newClient(ctx, c, way)
	if err != nil {
		return nil, err
	}
	return &Storage{cfg: c, client: client, way: way}, nil
}

// Close closes idle connections.
func (s *Storage) Close() error {
	s.way.CloseIdleConnections()
	return nil
}
