package agent

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"time"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/retry"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/host"
)

// frameSlots is how many frames are in work at once: one for each core, and some that are being read, hashed, written, or wait
// for their turn, so that no core waits.
func frameSlots() int { return min(runtime.GOMAXPROCS(0), 16) + 12 }

// frames lets package archive use a compressor's frames.
type frames struct{ *host.Frames }

// Slot implements archive.Frames.
func (f frames) Slot(ctx context.Context) (archive.Slot, error) {
	var slot archive.Slot
	err := fault.Around("plugin.slot", func() error {
		s, err := f.Frames.Slot(ctx)
		if err == nil {
			slot = s // a nil *host.Slot would be no nil
		}
		return err
	})
	return slot, err
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// archiveOptions are for what is read; scanning needs no more.
func (r *running) archiveOptions(f mysql.Facts) archive.Options {
	j := r.b.Job
	server, err := json.Marshal(f)
	if err != nil {
		server = nil
	}
	return archive.Options{
		Root: j.MySQL.DataDir, Exclude: j.Artifact.Exclude,
		IncludeKeyring: j.Artifact.IncludeKeyring, KeyringFiles: f.KeyringFiles, OutsidePaths: f.ExpandOutside(),
		Server: server,
		Artifact: archive.ArtifactInfo{
			ID: r.b.ID, Job: j.Name, Started: r.b.Started, Compressor: j.Compress.Type, Drydock: r.o.Version,
		},
	}
}

// shipOptions are for the transfer of an artifact of so many bytes; 0 while that is not known.
func (r *running) shipOptions(size int64) ship.Options {
	a := r.b.Artifact
	return ship.Options{
		Key: a.Key, ChunkSize: a.ChunkSize, Size: size, Journal: r.journal, Keep: true, Log: r.o.Log,
		Retry:    r.patience(size),
		Release:  func(c spool.Chunk) { r.release(c) },
		Progress: func(label string, bytes int64) { r.progress("ship", label, bytes, r.b.Artifact.Size) },
	}
}

// commitOptions are for what follows the transfer.
func (r *running) commitOptions() ship.Options {
	return ship.Options{Log: r.o.Log, Progress: func(label string, bytes int64) {
		r.progress("commit", label, bytes, r.b.Artifact.Size)
	}}
}

// release removes a chunk that every target has.
func (r *running) release(c spool.Chunk) {
	if err := r.spool.Remove(c.Index); err != nil {
		r.o.Log.Warn("a shipped chunk stays in the spool", "chunk", c.Index, "error", err)
	}
}

// briefPatience is how long the service tries a target that is away before it does something else.
const briefPatience = 30 * time.Second

// patience is how long a target is tried. size is 0 in the run itself: MySQL does not wait for a target that is away once
// the artifact is whole, but it does while the spool is full of what such a target lacks.
func (r *running) patience(size int64) retry.Policy {
	const often = 100 // the time is what counts
	switch {
	case size == 0:
		return retry.Policy{Total: r.o.Queue.Patience, Tries: often}
	case r.o.Brief:
		return retry.Policy{Total: briefPatience}
	}
	return retry.Policy{}
}
