package archive

import (
	"context"
	"slices"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/tree"
)

// Inventory is what Write would archive.
type Inventory struct {
	Files, Dirs, Symlinks int64
	Bytes                 int64 // of content
	Allocated             int64 // on the disk; less than Bytes when files are sparse
	Largest               []Sized
	Refused               []Refused // each would make Write fail
	Skipped               []Skipped // the first thousand
	SkippedCount          int64
	Keyrings              []manifest.KeyringFile
	Outside               []manifest.OutsidePath
}

// Sized is a file and its size in bytes.
type Sized struct {
	Path string
	Size int64
}

// Err returns nil, or an error that names everything that was refused.
func (i Inventory) Err() error { return tree.RefusedErr(i.Refused) }

const largest = 10

// Scan looks at everything that Write would read, and opens none of it. The server may be running: files that come and
// go meanwhile are no error. What would be refused is listed, not an error.
func Scan(ctx context.Context, o Options) (Inventory, error) {
	var inv Inventory
	found, err := tree.Walk(ctx, o.tree(true), func(n tree.Node) error {
		if n.Type == manifest.Regular {
			inv.rank(Sized{Path: n.Path, Size: n.Stat.Size})
		}
		return nil
	})
	if err != nil {
		return Inventory{}, err
	}
	t := found.Totals
	inv.Files, inv.Dirs, inv.Symlinks, inv.Bytes, inv.Allocated = t.Files, t.Dirs, t.Symlinks, t.Bytes, t.Allocated
	inv.Refused, inv.Skipped, inv.SkippedCount = found.Refused, found.Skipped, found.SkippedCount
	inv.Keyrings, inv.Outside = found.Keyrings, found.Outside
	return inv, nil
}

// rank keeps the largest files, largest first.
func (i *Inventory) rank(s Sized) {
	at, _ := slices.BinarySearchFunc(i.Largest, s, func(a, b Sized) int {
		switch {
		case a.Size > b.Size:
			return -1
		case a.Size < b.Size:
			return 1
		}
		return 0
	})
	if at == largest {
		return
	}
	i.Largest = slices.Insert(i.Largest, at, s)
	i.Largest = i.Largest[:min(len(i.Largest), largest)]
}
