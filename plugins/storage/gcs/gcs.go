package gcs

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"sync"
	"time"

	api "google.golang.org/api/storage/v1"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/transport"
)

// What the service can keep.
const (
	maxObject = 5 << 40 // bytes
	maxJoin   = 32      // objects that are joined at once
	maxPage   = 1000    // objects of a page of a listing
)

// The names of our metadata.
const (
	uploadKey = "drydock-upload"     // of an object: the upload that made it
	sizeKey   = "drydock-chunk-size" // of an upload's first object
	sha256Key = "drydock-sha256"     // of a chunk
	crc32cKey = "drydock-crc32c"     // of a chunk: what its bytes had when it was sent
)

// Provider returns the storage "gcs".
func Provider() storage.Provider {
	p := storage.NewProvider("gcs", "1.0.0",
		"Keeps backups as objects in a bucket of Google Cloud Storage.",
		func(ctx context.Context, cfg *Config) (storage.Storage, error) { return New(ctx, *cfg) })
	p.Environment = []string{
		"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_UNIVERSE_DOMAIN", "GCE_METADATA_HOST", "CLOUDSDK_CONFIG", "APPDATA",
		"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES",
	}
	return p
}

// Storage keeps objects in one bucket. It is safe for concurrent use; several processes may use one bucket.
type Storage struct {
	cfg       Config
	transport *transport.Transport
	service   *api.Service
	uploads   cloud.Uploads
	sweep     sync.Once
	page      int64        // objects of a listing that are asked for at once
	table     *crc32.Table // of CRC-32C
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
func New(ctx context.Context, c Config) (*Storage, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := c.checkFile(); err != nil {
		return nil, err
	}
	rt, err := transport.New(c.Settings)
	if err != nil {
		return nil, err
	}
	service, err := newService(ctx, &c, rt)
	if err != nil {
		return nil, err
	}
	return &Storage{
		cfg: c, transport: rt, service: service, page: maxPage, table: crc32.MakeTable(crc32.Castagnoli), now: time.Now,
	}, nil
}

// Close gives the connections back.
func (s *Storage) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// checkKey refuses what cannot be the key of an object here.
func (s *Storage) checkKey(key string) error { return cloud.CheckKey(s.cfg.Prefix, key) }

// staging is the beginning of the names of everything that is no object yet.
func (s *Storage) staging() string { return s.cfg.Prefix + cloud.Staging + "/" }

// dir is the beginning of the names of what an upload keeps.
func (s *Storage) dir(t cloud.Token) string { return s.staging() + t.Name() + "/" }

// marker is the name of an upload's first object.
func (s *Storage) marker(t cloud.Token) string { return s.dir(t) + "upload" }

// encodeSum writes a CRC-32C as the service does.
func encodeSum(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}
