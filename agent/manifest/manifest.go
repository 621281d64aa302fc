// Package manifest is the outer manifest of a backup: the small JSON object <key>.manifest.json that lies beside the
// artifact at every target. It is written last, after the artifact was read back, and is the commit marker: an
// artifact without one is not a backup.
//
//	{
//	  "version": 2,                        number of this format
//	  "backup": "01JD...",                 id of the backup, which is that of its run
//	  "job": "orders",
//	  "key": "db1/orders/.../Data.zip",    the artifact, at the same target
//	  "format": "zip",
//	  "created": "2026-01-02T02:30:00Z",   start of the run, RFC 3339
//	  "finished": "2026-01-02T02:41:07Z",  the artifact was at this target, and read back
//	  "size": 1234567890,                  bytes of the artifact
//	  "chunk_size": 67108864,              bytes of every chunk but the last
//	  "chunks": ["9f86d0...", ...],        SHA-256 of each chunk, hex; ⌈size ÷ chunk_size⌉ of them
//	  "data_bytes": 2345678901,            bytes of the files within
//	  "compressor": "zstd",
//	  "sealed": false,
//	  "restart": "after-ship",             the moment at which the server was started again
//	  "downtime_seconds": 661.4,
//	  "drydock": "1.0.0",                  version that made the backup
//	  "plugins": {"storage file": "1.0.0"},  versions of the providers; may be missing
//	  "server": {...},                     what the server told before it was stopped
//	  "pages": {...}                       innodb.Totals; missing when InnoDB's pages were not checked
//	}
//
// Version 1 had no "pages".
//
// It names no file of the database, as targets may be less trusted than the host: [Manifest.Encode] refuses server facts
// that hold a path, and [WithoutPaths] takes them out.
//
// [Parse] is strict, since others can write to a target as well: an unknown field, a missing one, or sizes that do not
// add up make it refuse the whole manifest.
package manifest

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/innodb"
	"github.com/drydock-backup/drydock/agent/spool"
)

const (
	// Version is the format that Encode writes and the latest that Parse reads. It reads all before it.
	Version = 2
	// Suffix is what a manifest's key has more than its artifact's.
	Suffix = ".manifest.json"
	// FormatZip is the only artifact format so far.
	FormatZip = "zip"
	// MaxChunks bounds an artifact: 16 TiB in chunks of 64 MiB.
	MaxChunks = 1 << 18
	// MaxSize is the size in bytes of the largest manifest that is read.
	MaxSize = 24 << 20
)

// Manifest is what the JSON object says. Times are UTC.
type Manifest struct {
	Version    int // of the format that it was read from; 0: it is new, and Version when it is written
	Backup     string
	Job        string
	Key        string // of the artifact
	Format     string // FormatZip
	Created    time.Time
	Finished   time.Time
	Size       int64 // bytes
	ChunkSize  int64 // bytes
	Chunks     []Digest
	DataBytes  int64
	Compressor string
	Sealed     bool
	MAC        *Digest // over Claims, under the key of the sealed artifact; nil when it is not sealed
	Restart    string
	Downtime   float64 // seconds
	Drydock    string
	Plugins    map[string]string // "kind name" → version; may be nil
	Server     json.RawMessage   // a JSON object
	Pages      *innodb.Totals    // what the checksums of InnoDB's pages told; nil when they were not checked
}

// Digest is a SHA-256, which prints and encodes as 64 lower-case hex digits.
type Digest [32]byte

// String returns the hex digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText returns the hex digits.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads exactly 64 lower-case hex digits.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != 2*len(d) || strings.ToLower(string(text)) != string(text) {
		return fmt.Errorf("a SHA-256 is 64 lower-case hex digits, not %.80q", text)
	}
	if _, err := hex.Decode(d[:], text); err != nil {
		return fmt.Errorf("a SHA-256 is 64 lower-case hex digits, not %.80q", text)
	}
	return nil
}

// Key returns the key of an artifact's manifest.
func Key(artifact string) string { return artifact + Suffix }

// Digests returns the digests of chunks, in their order.
func Digests(chunks []spool.Chunk) []Digest {
	all := make([]Digest, len(chunks))
	for i, c := range chunks {
		all[i] = c.SHA256
	}
	return all
}

// SpoolChunks returns the artifact's chunks with their lengths and digests, and without files.
func (m *Manifest) SpoolChunks() []spool.Chunk {
	all := make([]spool.Chunk, len(m.Chunks))
	rest := m.Size
	for i, d := range m.Chunks {
		all[i] = spool.Chunk{Index: i, Length: min(m.ChunkSize, rest), SHA256: d}
		rest -= all[i].Length
	}
	return all
}
