package azure

import (
	"context"
	"hash/crc64"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/transport"
)

// What the service can keep.
const (
	maxChunk  = 4000 << 20 // bytes of a block
	maxChunks = 50000      // blocks of a blob
	maxPage   = 5000       // blobs of a page of a listing
)

// The names of our metadata.
const (
	uploadKey  = "drydock_upload"  // the number of the upload that made the blob
	droppedKey = "drydock_dropped" // the blob is only there to drop blocks, and will be gone at once
)

// Provider returns the storage "azure".
func Provider() storage.Provider {
	p := storage.NewProvider("azure", "1.0.0",
		"Keeps backups as block blobs in a container of Azure Blob Storage.",
		func(_ context.Context, cfg *Config) (storage.Storage, error) { return New(*cfg) })
	p.Environment = []string{
		"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH",
		"AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TOKEN_CREDENTIALS",
		"AZURE_CONFIG_DIR", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT",
		"MSI_ENDPOINT", "MSI_SECRET",
	}
	return p
}

// Storage keeps objects in one container. It is safe for concurrent use; several processes may use one container.
type Storage struct {
	cfg       Config
	transport *transport.Transport
	container *container.Client
	uploads   cloud.Uploads
	sweep     sync.Once
	table     *crc64.Table
	page      int32 // blobs of a listing that are asked for at once
	now       func() time.Time
}

// The compiler holds the optional abilities.
var (
	_ storage.Storage = (*Storage)(nil)
	_ storage.Checker = (*Storage)(nil)
	_ storage.Holder  = (*Storage)(nil)
)

// New returns the storage for a configuration. Mistakes in it are errors that point at the attribute. The service is asked
// when it is first needed.
func New(c Config) (*Storage, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	rt, err := transport.New(c.Settings)
	if err != nil {
		return nil, err
	}
	client, err := newClient(&c, rt)
	if err != nil {
		return nil, err
	}
	return &Storage{
		cfg: c, transport: rt, container: client, table: crc64.MakeTable(crcPolynomial), page: maxPage, now: time.Now,
	}, nil
}

// Close gives the connections back.
func (s *Storage) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// blob returns the client of an object's blob.
func (s *Storage) blob(key string) *blockblob.Client {
	return s.container.NewBlockBlobClient(s.cfg.Prefix + key)
}

// checkKey refuses what cannot be the key of an object here.
func (s *Storage) checkKey(key string) error { return cloud.CheckKey(s.cfg.Prefix, key) }

// scope names the encryption scope for requests that write.
func (s *Storage) scope() *blob.CPKScopeInfo {
	if s.cfg.EncryptionScope == "" {
		return nil
	}
	return &blob.CPKScopeInfo{EncryptionScope: to.Ptr(s.cfg.EncryptionScope)}
}

// noBlob is the condition that no blob has the name.
func noBlob() *blob.AccessConditions {
	taken := blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)}
	return &blob.AccessConditions{ModifiedAccessConditions: &taken}
}
