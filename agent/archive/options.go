package archive

import (
	"context"
	"encoding/json"
	"io"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/tree"
	"github.com/drydock-backup/drydock/agent/innodb"
)

// Frames hands out slots for frames. A host.Frames is one.
type Frames interface {
	Method() uint16  // zip method
	Trailer() []byte // closes a file's stream
	FrameSize() int  // bytes of content in a frame
	// Slot waits for a free slot.
	Slot(ctx context.Context) (Slot, error)
}

// Slot is the memory of one frame. In is only read, never written, by Compress and Decompress: it may be read by others
// while they run and after. What they return is valid until Release.
type Slot interface {
	In() []byte
	Compress(ctx context.Context, n int) ([]byte, error)
	Decompress(ctx context.Context, n, size int) ([]byte, error)
	Release()
}

// Header is what the manifest says about the whole.
type Header = manifest.Header

// File is one entry of the manifest.
type File = manifest.File

// ArtifactInfo says which run made the artifact.
type ArtifactInfo = manifest.Artifact

// Refused is a thing that cannot be archived.
type Refused = tree.Refused

// RefusedError names all of them.
type RefusedError = tree.RefusedError

// Skipped is a thing that was left out.
type Skipped = tree.Skipped

// ErrNewer is in the chain when an artifact is sound, and of a version that only a later drydock reads.
var ErrNewer = manifest.ErrNewer

// ErrChanged says that the data directory was written to during the copy.
var ErrChanged = tree.ErrChanged

// DefaultExclude is always left out: files that only mean something while the server runs.
func DefaultExclude() []string { return []string{"**/*.pid", "**/*.sock", "**/*.sock.lock"} }

// Options say what Scan looks at and Write archives.
type Options struct {
	Root    string   // the data directory; it may be a symlink
	Exclude []string // besides DefaultExclude: doublestar patterns on relative slash paths, or absolute ones
	// IncludeKeyring archives KeyringFiles, which are absolute or relative to Root. Without it they are left out
	// wherever they are. The manifest records them either way.
	IncludeKeyring bool
	KeyringFiles   []string
	// OutsidePaths are absolute paths outside Root that belong to it, files or directories. They are archived under
	// .drydock/outside/NNNN/. One that is missing, or holds Root, is refused.
	OutsidePaths []string
	Pages        *innodb.Hints   // check InnoDB's pages; nil: do not
	Server       json.RawMessage // server facts, word for word into the manifest
	Artifact     ArtifactInfo
	Scratch      string // private directory for scratch files; made when missing; empty is the system's
	Progress     func(Progress)
}

func (o *Options) tree(live bool) tree.Config {
	return tree.Config{
		Root: o.Root, Exclude: append(DefaultExclude(), o.Exclude...), Keyrings: o.KeyringFiles,
		IncludeKeyring: o.IncludeKeyring, Outside: o.OutsidePaths, Live: live,
	}
}

// Progress is how far Write, Verify or Restore has come. It is reported from one goroutine, at most every 100 ms and
// once at the end.
type Progress struct {
	Bytes, TotalBytes int64 // of content
	Files, TotalFiles int64
	ArtifactBytes     int64 // written by Write so far
	Comparing         bool  // of Restore with Delta: these are the files that are there already
	Path              string
}

// Summary is what Write or Restore has done.
type Summary struct {
	Files, Dirs, Symlinks int64
	Bytes                 int64  // of content
	ArtifactBytes         int64  // length of the zip
	Entries               int64  // of the zip, the manifest included
	Skipped               int64  // left out: excluded, keyrings
	Written               int64  // by Restore: files that were not there as they should be
	Removed               int64  // by Restore with Delta: what was there and should not be
	Resumed               bool   // by Restore: it went on where an earlier one was interrupted
	ManifestSHA256        string // of the manifest's JSON text, hexadecimal

	Pages        *innodb.Totals // what Write found in InnoDB's pages; nil when they were not checked
	DamagedPages []DamagedPages // the first hundred files with damaged ones
}

// DamagedPages names damaged pages of one file, which have been damaged before the file was archived.
type DamagedPages struct {
	Path  string  `json:"path"`
	Count int64   `json:"count"`
	First []int64 `json:"first"` // page numbers from 0 at the beginning of the file; a hundred at most
}

// maxDamagedFiles is how many files DamagedPages names.
const maxDamagedFiles = 100

// Source is an artifact to read. ReadAt is called from several goroutines at once.
type Source interface {
	io.ReaderAt
	Size() int64
}
