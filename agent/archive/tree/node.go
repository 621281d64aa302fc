package tree

import (
	"path/filepath"
	"time"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
)

// Unix type bits of a mode.
const (
	TypeMask    = 0o170000
	TypeRegular = 0o100000
	TypeDir     = 0o040000
	TypeLink    = 0o120000
)

// Stat is what the system says about a file. Where a system does not know a field it is zero.
type Stat struct {
	Mode         uint32 // st_mode
	Size         int64
	Allocated    int64 // bytes on the disk
	UID, GID     uint32
	MTime, CTime manifest.Time
	Dev, Ino     uint64
	Links        uint64
}

// Same reports whether nothing that a writer of the file would change differs.
func (s Stat) Same(o Stat) bool {
	return s.Mode == o.Mode && s.Size == o.Size && s.MTime == o.MTime && s.CTime == o.CTime && s.Dev == o.Dev && s.Ino == o.Ino
}

// Node is one thing that belongs into the archive.
type Node struct {
	Path     string // in the archive
	Type     manifest.Type
	Stat     Stat
	Target   string // of a symlink, relative
	SameFile string // path of an earlier node with the same inode
	Followed string // text of the symlink that stood here
	Origin   string // absolute path of the content when it is not Path under the root
}

// Real returns the absolute path of the content.
func (n *Node) Real(root string) string {
	if n.Origin != "" {
		return n.Origin
	}
	return filepath.Join(root, filepath.FromSlash(n.Path))
}

// Unchanged returns nil, or an error that is [ErrChanged] when what stands at the node's place now is not what it was.
func (n *Node) Unchanged(now Stat) error {
	was := n.Stat
	if n.Type != manifest.Regular {
		now.Size = was.Size
	}
	switch {
	case was.Same(now):
		return nil
	case was.Size != now.Size:
		return Changed(n.Path, "it had %d bytes and has %d", was.Size, now.Size)
	case was.MTime != now.MTime:
		return Changed(n.Path, "it was modified at %s", now.MTime.Time().UTC().Format(time.RFC3339Nano))
	}
	return Changed(n.Path, "it was replaced, or its mode or owner changed")
}
