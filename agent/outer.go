package agent

import (
	"encoding/json"
	"fmt"

	"github.com/drydock-backup/drydock/agent/manifest"
	"github.com/drydock-backup/drydock/agent/step"
)

// manifest makes the outer manifest of the run's backup.
func (r *running) manifest() ([]byte, error) {
	m, err := r.claimed(r.b.Artifact)
	if err != nil {
		return nil, err
	}
	now := r.now().UTC()
	m.Finished, m.Restart, m.Downtime, m.Drydock = now, string(r.b.Job.Restart), r.b.Downtime.Measured(now).Seconds(), r.o.Version
	if mac := r.b.Artifact.MAC; mac != nil {
		m.Sealed, m.MAC = true, &manifest.Digest{}
		copy(m.MAC[:], mac)
	}
	return m.Encode()
}

// claimed is the manifest as far as it is known once the artifact is whole: what the MAC of a sealed one is over.
func (r *running) claimed(a step.Artifact) (*manifest.Manifest, error) {
	facts, err := json.Marshal(r.b.Survey.Facts)
	if err != nil {
		return nil, err
	}
	if facts, err = manifest.WithoutPaths(facts); err != nil {
		return nil, fmt.Errorf("server facts: %w", err)
	}
	return &manifest.Manifest{
		Backup: r.b.ID, Job: r.b.Job.Name, Key: a.Key, Format: manifest.FormatZip, Created: r.b.Started,
		Size: a.Size, ChunkSize: a.ChunkSize, Chunks: manifest.Digests(a.Chunks), DataBytes: a.DataBytes,
		Compressor: r.b.Job.Compress.Type, Server: facts, Version: a.Version, Pages: a.Pages,
	}, nil
}
