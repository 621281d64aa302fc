package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent/manifest"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/internal/testenv/faultfs"
)

// look compares what a disk holds after a cut with what had been promised by then.
func (p *powerCut) look(t *testing.T, c cut) {
	t.Helper()
	pending, store := p.pending(t, c)
	if store != nil {
		defer func() { _ = store.Close() }()
		p.wantArtifacts(t, c, store)
	}
	if p.phase(c.at) == stopMark && !pending {
		t.Error("the server had been asked to stop, and nobody knows of it")
	}
	backups := wantTrueBackups(t, c.state)
	if c.at == len(p.ops) && backups != 1 {
		t.Errorf("the run had ended well, and there are %d backups", backups)
	}
}

// pending opens the state file, where there is one, and tells whether MySQL is to be started. The caller closes the store.
func (p *powerCut) pending(t *testing.T, c cut) (pending bool, store *state.Store) {
	t.Helper()
	path := state.Path(p.state, p.name)
	rel, err := filepath.Rel(p.root, path)
	if err != nil {
		t.Fatal(err)
	}
	data, there := c.state[filepath.ToSlash(rel)]
	if !there {
		return false, nil
	}
	path = filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if store, err = state.OpenReadOnly(t.Context(), path); err != nil {
		t.Fatalf("the state file does not open: %v", err)
	}
	for _, r := range recorded(t, store) {
		pending = pending || r.Intent.Pending()
	}
	return pending, store
}

func recorded(t *testing.T, store *state.Store) []state.Run {
	t.Helper()
	runs, err := store.Last(state.KeepRuns)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// wantArtifacts fails the test when an artifact counts as whole, is not a backup yet, and some chunk of it is nowhere.
func (p *powerCut) wantArtifacts(t *testing.T, c cut, store *state.Store) {
	t.Helper()
	for _, r := range recorded(t, store) {
		if r.Status.Finished() || r.Artifact == nil || !r.Artifact.Whole {
			continue
		}
		chunks, err := store.Chunks(r.ID)
		if err != nil {
			t.Fatal(err)
		}
		off := int64(0)
		for _, chunk := range chunks {
			if !p.holds(c.state, chunk, off) {
				t.Errorf("run %s: its artifact is whole, and chunk %d (%s) is nowhere", r.ID, chunk.Index, short(chunk.SHA256))
			}
			off += chunk.Length
		}
		if off != r.Artifact.Size {
			t.Errorf("run %s: chunks of %d bytes, the artifact has %d", r.ID, off, r.Artifact.Size)
		}
	}
}

// holds looks for a chunk in the spool and at the target.
func (p *powerCut) holds(s faultfs.State, chunk spool.Chunk, off int64) bool {
	rel, err := filepath.Rel(p.root, chunk.Path)
	if err == nil && digestAt(s[filepath.ToSlash(rel)], 0, chunk.Length, chunk.SHA256) {
		return true
	}
	for _, name := range below(s, "target") {
		if digestAt(s[name], off, chunk.Length, chunk.SHA256) {
			return true
		}
	}
	return false
}

// wantTrueBackups fails the test when a manifest has not the artifact beside it that it speaks of. It returns how many
// manifests there are.
func wantTrueBackups(t *testing.T, s faultfs.State) (n int) {
	t.Helper()
	for _, name := range below(s, "target") {
		if !strings.HasSuffix(name, manifest.Key("")) || strings.Contains(name, "/.drydock") {
			continue
		}
		n++
		m, err := manifest.Parse(s[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		data, off := s["target/"+m.Key], int64(0)
		for i, sum := range m.Chunks {
			length := min(m.ChunkSize, m.Size-off)
			if !digestAt(data, off, length, sum) {
				t.Errorf("%s: chunk %d of the backup is not there (%d of %d bytes)", name, i, len(data), m.Size)
			}
			off += length
		}
		if int64(len(data)) != m.Size {
			t.Errorf("%s: %d bytes instead of %d", name, len(data), m.Size)
		}
	}
	return n
}
