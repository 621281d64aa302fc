package faultfs

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Replay goes through a journal again. At each moment it can tell what the disk held.
type Replay struct {
	files map[node]*content
	names []change // to directories, in order
}

// content is the bytes of one file: as of its last fsync, and what came later.
type content struct {
	synced []byte
	later  []Op
}

// change is a change to the names of a directory, or of two.
type change struct {
	Op
	durable bool
}

// NewReplay returns the replay of an empty disk.
func NewReplay() *Replay { return &Replay{files: map[node]*content{}} }

// Do does one operation.
func (r *Replay) Do(o Op) {
	switch o.Kind {
	case Create, Mkdir, Link, Remove, Rename:
		if o.Kind == Create {
			r.files[o.node] = &content{}
		}
		r.names = append(r.names, change{Op: o})
	case Write, Truncate:
		if c := r.files[o.node]; c != nil {
			c.later = append(c.later, o)
		}
	case Sync:
		if c := r.files[o.node]; c != nil {
			c.synced, c.later = c.bytes(everything), nil
		}
	case SyncDir:
		for i := range r.names {
			if n := &r.names[i]; n.dir == o.node || n.Kind == Rename && n.newDir == o.node {
				n.durable = true
			}
		}
	}
}

// Keep decides what of the writes and names that were not synced is on the disk after a cut.
type Keep func() verdict

type verdict int

const (
	drop verdict = iota
	tear         // the first part of a write
	keep
)

// Strict keeps nothing that was not synced. It is the worst that POSIX allows.
func Strict() Keep { return func() verdict { return drop } }

// Everything keeps all: as after a SIGKILL, or when the disk was faster than the cut.
func Everything() Keep { return everything }

func everything() verdict { return keep }

// Loose keeps about half, in no order, and tears some writes apart.
func Loose(random *rand.Rand) Keep {
	return func() verdict { return verdict(min(random.IntN(5), int(keep))) }
}

// tornAt is the unit in which a disk writes.
const tornAt = 512

func (c *content) bytes(k Keep) []byte {
	b := slices.Clone(c.synced)
	for _, o := range c.later {
		v := k()
		if v == drop {
			continue
		}
		if o.Kind == Truncate {
			b = resize(b, o.size)
			continue
		}
		data := o.data
		if v == tear {
			data = data[:len(data)/2/tornAt*tornAt]
		}
		if end := o.off + int64(len(data)); end > int64(len(b)) {
			b = resize(b, end)
		}
		copy(b[o.off:], data)
	}
	return b
}

func resize(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

// State is what a disk holds after a cut: the bytes of all files and, as nil, the directories, by path below the mount point.
type State map[string][]byte

// Cut returns what the disk holds when the power goes right now.
func (r *Replay) Cut(k Keep) State {
	dirs := map[node]map[string]node{0: {}}
	at := func(dir node) map[string]node {
		if dirs[dir] == nil {
			dirs[dir] = map[string]node{}
		}
		return dirs[dir]
	}
	for _, c := range r.names {
		if !c.durable && k() == drop {
			continue
		}
		switch c.Kind {
		case Create, Mkdir, Link:
			at(c.dir)[c.name] = c.node
		case Remove:
			delete(at(c.dir), c.name)
		case Rename:
			if at(c.dir)[c.name] == c.node {
				delete(at(c.dir), c.name)
			}
			at(c.newDir)[c.newTo] = c.node
		}
	}
	s := State{}
	bytes := map[node][]byte{} // a file of two names has the same bytes under both
	for _, id := range slices.Sorted(maps.Keys(r.files)) {
		bytes[id] = append([]byte{}, r.files[id].bytes(k)...)
	}
	collect(s, dirs, bytes, 0, "")
	return s
}

func collect(s State, dirs map[node]map[string]node, files map[node][]byte, dir node, prefix string) {
	for name, id := range dirs[dir] {
		full := path.Join(prefix, name)
		s[full] = files[id]
		if s[full] == nil {
			collect(s, dirs, files, id, full)
		}
	}
}

// Write makes a state real below a directory, or the part of it below a prefix.
func (s State) Write(dir, prefix string) error {
	names := make([]string, 0, len(s))
	for name := range s {
		if name == prefix || prefix == "" || strings.HasPrefix(name, prefix+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names) // a directory comes before what is in it
	var failed []error
	files := map[*byte]string{} // names of one file have the same bytes in memory: they become links again
	for _, name := range names {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if s[name] == nil {
			failed = append(failed, os.MkdirAll(full, 0o700))
			continue
		}
		failed = append(failed, os.MkdirAll(filepath.Dir(full), 0o700))
		first, linked := "", false
		if len(s[name]) > 0 {
			first, linked = files[&s[name][0]]
			files[&s[name][0]] = full
		}
		if linked {
			failed = append(failed, os.Link(first, full))
		} else {
			failed = append(failed, os.WriteFile(full, s[name], 0o600))
		}
	}
	return errors.Join(failed...)
}
