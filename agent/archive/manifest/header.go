package manifest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/drydock-backup/drydock/agent/innodb"
)

// MaxFrame is the largest frame in bytes that a header may name.
const MaxFrame = 8 << 20

// Header is what the manifest says about the whole.
type Header struct {
	Version   int             `json:"version"`
	Artifact  Artifact        `json:"artifact"`
	Root      Root            `json:"root"`
	Server    json.RawMessage `json:"server,omitempty"` // what the server said before it stopped, word for word
	Method    uint16          `json:"method"`           // zip method of all entries that were compressed
	FrameSize int             `json:"frame_size"`       // bytes of content in each frame but a file's last
	Trailer   []byte          `json:"trailer,omitempty"`
	Totals    Totals          `json:"totals"`
	Keyrings  []KeyringFile   `json:"keyrings,omitempty"`
	Outside   []OutsidePath   `json:"outside,omitempty"`
	Excluded  Excluded        `json:"excluded"`
	Pages     *innodb.Totals  `json:"pages,omitempty"` // nil when pages were not checked
}

// Artifact names the run that made the archive.
type Artifact struct {
	ID                string    `json:"id"`
	Job               string    `json:"job"`
	Started           time.Time `json:"started"`
	Compressor        string    `json:"compressor"`
	CompressorVersion string    `json:"compressor_version,omitempty"`
	CompressorLevel   string    `json:"compressor_level,omitempty"`
	Drydock           string    `json:"drydock"` // version of drydock
}

// Root is the data directory itself.
type Root struct {
	Path  string `json:"path"`
	Mode  Mode   `json:"mode"`
	UID   uint32 `json:"uid"`
	GID   uint32 `json:"gid"`
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"`
	MTime Time   `json:"mtime"`
}

// Totals counts the entries; Bytes is their content, Allocated what they took on the disk.
type Totals struct {
	Files     int64 `json:"files"`
	Dirs      int64 `json:"dirs"`
	Symlinks  int64 `json:"symlinks"`
	Bytes     int64 `json:"bytes"`
	Allocated int64 `json:"allocated"`
}

// KeyringFile is a keyring that the server uses. Entry is where it is in the archive; empty when it was left out.
type KeyringFile struct {
	Path  string `json:"path"` // absolute
	Size  int64  `json:"size"`
	MTime Time   `json:"mtime"`
	Entry string `json:"entry,omitempty"`
	Gone  bool   `json:"gone,omitempty"` // the server names it, but it does not exist
}

// OutsidePath is a file or directory outside the data directory that belongs to it.
type OutsidePath struct {
	Path  string `json:"path"`  // absolute, where the server looks for it
	Entry string `json:"entry"` // where it is in the archive
}

// Excluded says what was left out and why. Paths holds the first thousand.
type Excluded struct {
	Patterns []string `json:"patterns"`
	Count    int64    `json:"count"`
	Paths    []string `json:"paths,omitempty"`
}

// Time is a moment as seconds since 1970 and nanoseconds; in JSON an array of the two.
type Time [2]int64

// TimeOf converts a time.
func TimeOf(t time.Time) Time { return Time{t.Unix(), int64(t.Nanosecond())} }

// Time converts back.
func (t Time) Time() time.Time { return time.Unix(t[0], t[1]) }

// Mode is a unix mode with its type bits taken off: permissions, setuid, setgid and sticky. In JSON it is octal text.
type Mode uint32

// MarshalText writes four octal digits.
func (m Mode) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%04o", uint32(m)), nil }

// UnmarshalText reads octal digits of at most 07777.
func (m *Mode) UnmarshalText(text []byte) error {
	var v uint32
	for _, c := range text {
		if c < '0' || c > '7' || v > 0o777 {
			return fmt.Errorf("mode %q: want up to four octal digits", text)
		}
		v = v<<3 | uint32(c-'0')
	}
	if len(text) == 0 {
		return fmt.Errorf("mode is empty")
	}
	*m = Mode(v)
	return nil
}

func (h *Header) check() error {
	switch {
	case h.Version != Version:
		return fmt.Errorf("format version %d is not known here; version %d is", h.Version, Version)
	case h.FrameSize < 1 || h.FrameSize > MaxFrame:
		return fmt.Errorf("frame size %d is not between 1 and %d", h.FrameSize, MaxFrame)
	case h.Pages != nil && h.Pages.Check() != nil:
		return h.Pages.Check()
	case len(h.Trailer) > 1024:
		return fmt.Errorf("trailer of %d bytes is too long", len(h.Trailer))
	}
	return nil
}
