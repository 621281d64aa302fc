package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/drydock-backup/drydock/agent/innodb"
)

// ErrVersion says that a manifest is of a version that this drydock does not know.
var ErrVersion = errors.New("unknown manifest version")

// NewerError is an ErrVersion of a manifest that a later drydock has written. Backup and Job are what it says in the fields
// that have always been there; empty when it does not.
type NewerError struct {
	Version     int
	Backup, Job string
}

// Error names the versions.
func (e *NewerError) Error() string {
	return fmt.Sprintf("%v: %d, this drydock knows 1 to %d", ErrVersion, e.Version, Version)
}

// Is makes errors.Is find ErrVersion.
func (e *NewerError) Is(target error) bool { return target == ErrVersion }

// firstPages is the version that brought "pages".
const firstPages = 2

// wire is the JSON object. Pointers tell a missing field from an empty one.
type wire struct {
	Version    *int              `json:"version"`
	Backup     *string           `json:"backup"`
	Job        *string           `json:"job"`
	Key        *string           `json:"key"`
	Format     *string           `json:"format"`
	Created    *time.Time        `json:"created"`
	Finished   *time.Time        `json:"finished"`
	Size       *int64            `json:"size"`
	ChunkSize  *int64            `json:"chunk_size"`
	Chunks     *[]Digest         `json:"chunks"`
	DataBytes  *int64            `json:"data_bytes"`
	Compressor *string           `json:"compressor"`
	Sealed     *bool             `json:"sealed"`
	MAC        *Digest           `json:"mac,omitempty"`
	Restart    *string           `json:"restart"`
	Downtime   *float64          `json:"downtime_seconds"`
	Drydock    *string           `json:"drydock"`
	Plugins    map[string]string `json:"plugins,omitempty"`
	Server     *json.RawMessage  `json:"server"`
	Pages      *innodb.Totals    `json:"pages,omitempty"`
}

// Encode returns the manifest as indented JSON with a final newline. It refuses what Parse would refuse.
func (m *Manifest) Encode() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	version, created, finished, chunks := m.version(), m.Created.UTC(), m.Finished.UTC(), m.Chunks
	if chunks == nil {
		chunks = []Digest{}
	}
	data, err := json.MarshalIndent(wire{
		Version: &version, Backup: &m.Backup, Job: &m.Job, Key: &m.Key, Format: &m.Format, Created: &created,
		Finished: &finished, Size: &m.Size, ChunkSize: &m.ChunkSize, Chunks: &chunks, DataBytes: &m.DataBytes,
		Compressor: &m.Compressor, Sealed: &m.Sealed, MAC: m.MAC, Restart: &m.Restart, Downtime: &m.Downtime, Drydock: &m.Drydock,
		Plugins: m.Plugins, Server: &m.Server, Pages: m.Pages,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	if data = append(data, '\n'); len(data) > MaxSize {
		return nil, fmt.Errorf("encode manifest: %d bytes, %d are the most", len(data), MaxSize)
	}
	return data, nil
}

// Parse reads a manifest and checks it. A newer version is ErrVersion. The error names the field.
func Parse(data []byte) (*Manifest, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("parse manifest: %d bytes, %d are the most", len(data), MaxSize)
	}
	if err := checkVersion(data); err != nil {
		return nil, fmt.Errorf("parse manifest: %w", err)
	}
	var w wire
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return nil, fmt.Errorf("parse manifest: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("parse manifest: something follows the JSON object")
	}
	m, err := w.manifest()
	if err == nil {
		err = m.check()
	}
	if err != nil {
		return nil, fmt.Errorf("parse manifest: %w", err)
	}
	return m, nil
}

// checkVersion looks at the version alone, so that a later format is called that and not "damaged".
func checkVersion(data []byte) error {
	var v struct {
		Version     *int `json:"version"`
		Backup, Job any  // of whatever type a later version gives them
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	switch {
	case v.Version == nil:
		return errors.New(`"version" is missing`)
	case *v.Version > Version:
		return &NewerError{Version: *v.Version, Backup: plain(v.Backup), Job: plain(v.Job)}
	case *v.Version < 1:
		return fmt.Errorf("%w: %d", ErrVersion, *v.Version)
	}
	return nil
}

// plain returns a text that check would take, else "".
func plain(v any) string {
	if s, ok := v.(string); ok && text("", s) == nil {
		return s
	}
	return ""
}

// manifest takes over what must be there.
func (w *wire) manifest() (*Manifest, error) {
	var m Manifest
	err := errors.Join(
		need("backup", w.Backup, &m.Backup), need("job", w.Job, &m.Job), need("key", w.Key, &m.Key),
		need("format", w.Format, &m.Format), need("created", w.Created, &m.Created),
		need("finished", w.Finished, &m.Finished), need("size", w.Size, &m.Size),
		need("chunk_size", w.ChunkSize, &m.ChunkSize), need("chunks", w.Chunks, &m.Chunks),
		need("data_bytes", w.DataBytes, &m.DataBytes), need("compressor", w.Compressor, &m.Compressor),
		need("sealed", w.Sealed, &m.Sealed), need("restart", w.Restart, &m.Restart),
		need("downtime_seconds", w.Downtime, &m.Downtime), need("drydock", w.Drydock, &m.Drydock),
		need("server", w.Server, &m.Server),
	)
	m.Version, m.MAC, m.Plugins, m.Pages = *w.Version, w.MAC, w.Plugins, w.Pages
	m.Created, m.Finished = m.Created.UTC(), m.Finished.UTC()
	return &m, err
}

func need[T any](name string, from, to *T) error {
	if from == nil {
		return fmt.Errorf("%q is missing", name)
	}
	*to = *from
	return nil
}
