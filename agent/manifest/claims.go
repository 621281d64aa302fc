package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drydock-backup/drydock/agent/innodb"
)

// claims is what a sealed backup's MAC is over, in this order, as compact JSON: all that is known when the artifact is
// whole. What comes later (the end of the run, the downtime) proves nothing about the artifact.
type claims struct {
	Version    int             `json:"version"`
	Backup     string          `json:"backup"`
	Job        string          `json:"job"`
	Key        string          `json:"key"`
	Format     string          `json:"format"`
	Created    time.Time       `json:"created"`
	Size       int64           `json:"size"`
	ChunkSize  int64           `json:"chunk_size"`
	Chunks     []Digest        `json:"chunks"`
	DataBytes  int64           `json:"data_bytes"`
	Compressor string          `json:"compressor"`
	Server     json.RawMessage `json:"server"`
	Pages      *innodb.Totals  `json:"pages,omitempty"`
}

// version is the number of the format that the manifest is of.
func (m *Manifest) version() int {
	if m.Version == 0 {
		return Version
	}
	return m.Version
}

// Claims returns the bytes that the MAC of a sealed backup is over. They are the same before Encode and after Parse.
func (m *Manifest) Claims() ([]byte, error) {
	var server bytes.Buffer
	if err := json.Compact(&server, m.Server); err != nil {
		return nil, fmt.Errorf("server facts: %w", err)
	}
	chunks := m.Chunks
	if chunks == nil {
		chunks = []Digest{}
	}
	return json.Marshal(claims{
		Version: m.version(), Backup: m.Backup, Job: m.Job, Key: m.Key, Format: m.Format, Created: m.Created.UTC(), Size: m.Size,
		ChunkSize: m.ChunkSize, Chunks: chunks, DataBytes: m.DataBytes, Compressor: m.Compressor, Server: server.Bytes(),
		Pages: m.Pages,
	})
}
