package agent

import (
	"encoding/json"
	"fmt"

	"github.com/drydock-backup/drydock/agent/manifest"
)

// manifest makes the outer manifest of the run's backup.
func (r *running) manifest() ([]byte, error) {
	facts, err := json.Marshal(r.b.Survey.Facts)
	if err != nil {
		return nil, err
	}
	if facts, err = manifest.WithoutPaths(facts); err != nil {
		return nil, fmt.Errorf("server facts: %w", err)
	}
	b, now := r.b, r.now().UTC()
	m := manifest.Manifest{
		Backup: b.ID, Job: b.Job.Name, Key: b.Artifact.Key, Format: manifest.FormatZip,
		Created: b.Started, Finished: now, Size: b.Artifact.Size, ChunkSize: b.Artifact.ChunkSize,
		Chunks: manifest.Digests(b.Artifact.Chunks), DataBytes: b.Artifact.DataBytes,
		Compressor: b.Job.Compress.Type, Restart: string(b.Job.Restart),
		Downtime: b.Downtime.Measured(now).Seconds(), Drydock: r.o.Version, Server: facts,
	}
	return m.Encode()
}
