package faultfs

import "sync"

// Kind is what an operation does.
type Kind string

// The kinds of operations. Read and Open change nothing, and are not in the journal.
const (
	Create   Kind = "create"
	Mkdir    Kind = "mkdir"
	Link     Kind = "link"
	Remove   Kind = "remove" // a file or an empty directory
	Rename   Kind = "rename"
	Write    Kind = "write"
	Truncate Kind = "truncate"
	Sync     Kind = "sync"
	SyncDir  Kind = "sync-dir"
	Read     Kind = "read"
	Open     Kind = "open"
)

// node is the number of a file or directory, for as long as the disk exists. The root is 0.
type node int

// Op is one operation.
type Op struct {
	Kind Kind
	Path string // below the mount point, as it was before the operation; of the new name for Link

	node   node // that is made, linked, removed, renamed, written or synced
	dir    node // that holds the name
	name   string
	newDir node // of a rename
	newTo  string
	off    int64
	data   []byte
	size   int64
}

// Journal is the operations on a disk in their order.
type Journal struct {
	mu  sync.Mutex
	ops []Op
}

func (j *Journal) add(o Op) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ops = append(j.ops, o)
}

// Ops returns the operations so far.
func (j *Journal) Ops() []Op {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ops[:len(j.ops):len(j.ops)]
}
