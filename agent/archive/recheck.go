package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/tree"
)

// What recheck names and remembers, at most.
const (
	changesShown = 20
	changedDirs  = 64      // directories that are searched for what is new in them
	changedNames = 1 << 17 // names in those
)

// recheck looks at everything once more: what was read early may have been written to since. Its error is ErrChanged
// and names what changed, vanished, or is new. The list is on the disk, so memory does not grow with the files.
func recheck(ctx context.Context, list *nodes, found *tree.Result) error {
	c := &changes{found: found, dirs: map[string]*changedDir{}, gone: map[string]bool{}}
	err := list.each(func(n tree.Node) error { return c.look(ctx, n) })
	if err == nil {
		root := tree.Node{Origin: found.RootPath, Type: manifest.Directory, Stat: found.Root}
		err = c.look(ctx, root)
	}
	if err == nil && len(c.dirs) > 0 {
		err = c.search(list)
	}
	if c.more > 0 {
		err = errors.Join(err, fmt.Errorf("and %d more", c.more))
	}
	return errors.Join(errors.Join(c.named...), err)
}

// changes are what one recheck has found.
type changes struct {
	found *tree.Result
	named []error
	more  int
	dirs  map[string]*changedDir // by path in the archive
	gone  map[string]bool        // directories that something vanished from
}

// changedDir is a directory that was written to: something in it is new, or gone.
type changedDir struct {
	real  string
	known map[string]bool // the names that it had
	err   error
}

func (c *changes) add(err error) {
	if len(c.named) == changesShown {
		c.more++
		return
	}
	c.named = append(c.named, err)
}

// look compares one node with what stands there now.
func (c *changes) look(ctx context.Context, n tree.Node) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	at := n.Real(c.found.RootPath)
	st, err := tree.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		if len(c.gone) < changedDirs {
			c.gone[parent(n.Path)] = true
		}
		c.add(tree.Changed(shown(n, at), "it vanished"))
		return nil
	}
	if err != nil {
		return classify(err, "look at %q again", shown(n, at))
	}
	switch err := n.Unchanged(st); {
	case err == nil:
	case n.Type == manifest.Directory && len(c.dirs) < changedDirs:
		c.dirs[n.Path] = &changedDir{real: at, known: map[string]bool{}, err: err}
	default:
		c.add(err)
	}
	return nil
}

// shown is how a node is named; the data directory itself has no name in the archive.
func shown(n tree.Node, real string) string {
	if n.Path == "" {
		return real
	}
	return n.Path
}

// parent is the directory of a path in the archive; "" is the data directory.
func parent(p string) string {
	if dir := path.Dir(p); dir != "." {
		return dir
	}
	return ""
}

// search names what is new in the directories that were written to, and the directories where nothing is.
func (c *changes) search(list *nodes) error {
	if err := c.recall(list); err != nil {
		return err
	}
	for _, p := range slices.Sorted(maps.Keys(c.dirs)) {
		d := c.dirs[p]
		isNew, err := c.arrivals(p, d)
		if err != nil {
			return err
		}
		if !isNew && !c.gone[p] {
			c.add(d.err)
		}
	}
	return nil
}

// recall fills in the names that the directories had. Too many are forgotten, and then nothing counts as new.
func (c *changes) recall(list *nodes) error {
	left := changedNames
	note := func(p string) {
		if d := c.dirs[parent(p)]; d != nil && d.known != nil {
			d.known[path.Base(p)] = true
			left--
		}
	}
	for _, s := range c.found.Skipped {
		note(s.Path)
	}
	err := list.each(func(n tree.Node) error {
		if left > 0 {
			note(n.Path)
		}
		return nil
	})
	if left <= 0 || c.found.SkippedCount > int64(len(c.found.Skipped)) {
		for _, d := range c.dirs {
			d.known = nil
		}
	}
	return err
}

func (c *changes) arrivals(p string, d *changedDir) (found bool, err error) {
	if d.known == nil {
		return false, nil
	}
	f, err := os.Open(d.real)
	if err != nil {
		return false, classify(err, "look at %q again", d.real)
	}
	defer f.Close()
	const batch = 4096
	for {
		names, err := f.Readdirnames(batch)
		for _, name := range names {
			if !d.known[name] {
				found = true
				c.add(tree.Changed(path.Join(p, name), "it is new"))
			}
		}
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, classify(err, "look at %q again", d.real)
		}
	}
}
